// Watches where a thread's stack pointer is while library code runs.
#ifndef ATTEND_NN_STACK_WATCH_H_
#define ATTEND_NN_STACK_WATCH_H_

#include <pthread.h>
#include <sys/time.h>
#include <ucontext.h>

#include <array>
#include <atomic>
#include <csignal>

namespace attend::testing {

/// While it lives, a signal handler, on a stack of its own, looks some thousand times a second whether the
/// thread that made the watch has its stack pointer on its stack. One at a time. x86-64 alone.
class StackWatch {
 public:
  StackWatch() {
    pthread_attr_t attributes;
    void* low = nullptr;
    size_t bytes = 0;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &low, &bytes);
    pthread_attr_destroy(&attributes);
    low_ = static_cast<const char*>(low);
    high_ = low_ + bytes;
    signals_ = off_the_stack_ = 0;
    watched_ = pthread_self();
    stack_t other{};
    other.ss_sp = other_stack_.data();
    other.ss_size = other_stack_.size();
    sigaltstack(&other, nullptr);
    struct sigaction action {};
    action.sa_sigaction = look;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigaction(SIGALRM, &action, &before_);
    const itimerval often{{0, 300}, {0, 300}};
    setitimer(ITIMER_REAL, &often, nullptr);
  }
  StackWatch(const StackWatch&) = delete;
  StackWatch& operator=(const StackWatch&) = delete;
  ~StackWatch() {
    const itimerval never{};
    setitimer(ITIMER_REAL, &never, nullptr);
    sigaction(SIGALRM, &before_, nullptr);
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }

  /// How often it has looked, and how often the pointer was elsewhere.
  int signals() const { return signals_; }
  int off_the_stack() const { return off_the_stack_; }

 private:
  static void look(int, siginfo_t*, void* context) {
    if (!pthread_equal(pthread_self(), watched_)) return;
    const auto* const at = static_cast<const ucontext_t*>(context);
    const auto* const pointer = reinterpret_cast<const char*>(at->uc_mcontext.gregs[REG_RSP]);
    ++signals_;
    if (pointer < low_ || pointer >= high_) ++off_the_stack_;
  }

  inline static const char* low_ = nullptr;
  inline static const char* high_ = nullptr;
  inline static pthread_t watched_{};
  inline static std::atomic<int> signals_ = 0, off_the_stack_ = 0;
  std::array<char, 65536> other_stack_;
  struct sigaction before_ {};
};

}  // namespace attend::testing

#endif  // ATTEND_NN_STACK_WATCH_H_
