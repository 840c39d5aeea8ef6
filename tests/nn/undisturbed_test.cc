#include "nn/undisturbed.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <pthread.h>
#include <sys/time.h>

#include <array>
#include <atomic>
#include <csignal>

#include "nn/gemm.h"
#include "nn/layer_testing.h"

#if defined(__x86_64__)
#include <ucontext.h>
#endif

namespace attend::testing {
namespace {

bool blocked(int signal) {
  sigset_t set;
  pthread_sigmask(SIG_BLOCK, nullptr, &set);
  return sigismember(&set, signal) == 1;
}

TEST(Undisturbed, KeepsHandlersAwayButNotFaultsAndPutsTheMaskBack) {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR2);
  pthread_sigmask(SIG_BLOCK, &one, nullptr);
  {
    const Undisturbed undisturbed;
    for (const int signal : {SIGALRM, SIGINT, SIGTERM, SIGPROF, SIGCHLD, SIGUSR1})
      EXPECT_TRUE(blocked(signal));
    for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) EXPECT_FALSE(blocked(signal));
  }
  for (const int signal : {SIGALRM, SIGINT, SIGTERM, SIGPROF, SIGCHLD, SIGUSR1})
    EXPECT_FALSE(blocked(signal));
  EXPECT_TRUE(blocked(SIGUSR2)) << "as it was before";
  pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
}

TEST(Undisturbed, OpensNoThreadsUntilItEnds) {
  const int before = omp_get_max_threads();
  omp_set_num_threads(3);
  {
    const Undisturbed undisturbed;
    EXPECT_EQ(omp_get_max_threads(), 1);
  }
  EXPECT_EQ(omp_get_max_threads(), 3);
  omp_set_num_threads(before);
}

#if defined(__x86_64__)

struct Stack {
  const char* low;
  const char* high;
};
Stack stack;
std::atomic<int> signals, off_the_stack;

void look_at_the_stack_pointer(int, siginfo_t*, void* context) {
  const auto* const at = static_cast<const ucontext_t*>(context);
  const auto* const pointer = reinterpret_cast<const char*>(at->uc_mcontext.gregs[REG_RSP]);
  ++signals;
  if (pointer < stack.low || pointer >= stack.high) ++off_the_stack;
}

/// Looks at this thread's stack pointer some thousand times a second, from a stack of its own.
class StackWatch {
 public:
  StackWatch() {
    pthread_attr_t attributes;
    void* low = nullptr;
    size_t bytes = 0;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &low, &bytes);
    pthread_attr_destroy(&attributes);
    stack = {static_cast<char*>(low), static_cast<char*>(low) + bytes};
    signals = off_the_stack = 0;
    stack_t other{};
    other.ss_sp = other_stack_.data();
    other.ss_size = other_stack_.size();
    sigaltstack(&other, nullptr);
    struct sigaction action {};
    action.sa_sigaction = look_at_the_stack_pointer;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigaction(SIGALRM, &action, &before_);
    const itimerval often{{0, 300}, {0, 300}};
    setitimer(ITIMER_REAL, &often, nullptr);
  }
  ~StackWatch() {
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    sigaction(SIGALRM, &before_, nullptr);
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }

 private:
  std::array<char, 65536> other_stack_;
  struct sigaction before_ {};
};

TEST(Undisturbed, NoHandlerOfTheProgramMeetsAProductOffTheStack) {
  Arena arena;
  for (const auto& [m, k, n] : {std::array<int64_t, 3>{256, 3000, 1024}, {192, 64, 1024}, {3, 256, 4000}}) {
    for (const Transpose transpose : {Transpose::kNo, Transpose::kYes}) {
      const bool across = transpose == Transpose::kYes;
      const auto a = random_matrix<float>(arena, across ? k : m, across ? m : k, 1);
      const auto b = random_matrix<float>(arena, across ? n : k, across ? k : n, 2);
      const Matrix<float> c = arena.matrix<float>(m, n);
      const StackWatch watch;
      while (signals < 20) {
        gemm<float>(a, transpose, b, transpose, Accumulate::kNo, c, serial_executor());
      }
      EXPECT_EQ(off_the_stack, 0) << "of " << signals << " signals, inner size " << k;
    }
  }
}

#endif  // __x86_64__

}  // namespace
}  // namespace attend::testing
