#include "nn/undisturbed.h"

#include <gtest/gtest.h>
#include <omp.h>
#include <pthread.h>

#include <array>
#include <csignal>
#include <initializer_list>
#include <vector>

#include "nn/conv2d.h"
#include "nn/gemm.h"
#include "nn/layer_testing.h"

#if defined(__x86_64__)
#include "nn/stack_watch.h"
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

constexpr int kLooks = 10;

using Sizes = std::array<int64_t, 3>;  // m, k, n

/// multiply(a, transpose, b, c) again and again, with both transposes.
template <class Multiply>
void expect_products_on_the_stack(std::initializer_list<Sizes> products, const Multiply& multiply) {
  Arena arena;
  for (const auto& [m, k, n] : products) {
    for (const Transpose transpose : {Transpose::kNo, Transpose::kYes}) {
      const bool across = transpose == Transpose::kYes;
      const auto a = random_matrix<float>(arena, across ? k : m, across ? m : k, 1);
      const auto b = random_matrix<float>(arena, across ? n : k, across ? k : n, 2);
      const Matrix<float> c = arena.matrix<float>(m, n);
      const StackWatch watch;
      while (watch.signals() < kLooks) multiply(a, transpose, b, c);
      EXPECT_EQ(watch.off_the_stack(), 0) << "of " << watch.signals() << " signals, inner size " << k;
    }
  }
}

TEST(Undisturbed, NoHandlerOfTheProgramMeetsAProductOffTheStack) {
  expect_products_on_the_stack({{256, 3000, 1024}, {192, 64, 1024}, {3, 256, 4000}},
                               [](const auto& a, Transpose transpose, const auto& b, const auto& c) {
                                 gemm<float>(a, transpose, b, transpose, Accumulate::kNo, c,
                                             serial_executor());
                               });
}

// These are not sheltered, because they need not be.
TEST(Undisturbed, RoundedProductsStayOnTheStack) {
  if (!has_bfloat16_products()) GTEST_SKIP() << "no bfloat16 instructions on this machine";
  Arena memory;
  Pass pass(memory, serial_executor());
  pass.precision = Precision::kBFloat16;
  expect_products_on_the_stack({{256, 3000, 1024}, {3200, 1280, 256}, {64, 256, 4179}},
                               [&](const auto& a, Transpose transpose, const auto& b, const auto& c) {
                                 gemm<float>(a, transpose, b, transpose, Accumulate::kNo, c, pass);
                               });
}

TEST(Undisturbed, ConvolutionsStayOnTheStack) {
  struct Layer {
    ConvolutionKind kind;
    int64_t in, out;
    int kernel, stride;
    int64_t side;
  };
  constexpr Layer kLayers[] = {{ConvolutionKind::kDense, 3, 32, 3, 2, 321},
                               {ConvolutionKind::kDense, 96, 24, 1, 1, 80},
                               {ConvolutionKind::kDense, 352, 1280, 1, 1, 10},
                               {ConvolutionKind::kDepthwise, 288, 288, 5, 2, 43},
                               {ConvolutionKind::kDepthwise, 96, 96, 3, 1, 82}};
  for (const Layer& layer : kLayers) {
    Conv2dOptions options;
    options.kind = layer.kind;
    options.in_channels = layer.in;
    options.out_channels = layer.out;
    options.kernel = layer.kernel;
    options.stride = layer.stride;
    const int64_t in = layer.kind == ConvolutionKind::kDepthwise ? 1 : layer.in;
    const std::vector<float> weights(static_cast<size_t>(layer.out * in * layer.kernel * layer.kernel), 0.5f);
    const std::vector<float> bias(static_cast<size_t>(layer.out), 0.5f);
    const Conv2d convolution = Conv2d::create(options, weights, bias).value();
    Conv2dPlan plan = convolution.plan({1, layer.side, layer.side, layer.in}, {}).value();
    const std::vector<float> input(static_cast<size_t>(layer.side * layer.side * layer.in), 1.0f);
    std::vector<float> output(static_cast<size_t>(plan.output().size()));
    const StackWatch watch;
    while (watch.signals() < kLooks) ASSERT_TRUE(plan.run(input.data(), output.data()).ok());
    EXPECT_EQ(watch.off_the_stack(), 0) << "of " << watch.signals() << ", kernel " << layer.kernel;
  }
}

#endif  // __x86_64__

}  // namespace
}  // namespace attend::testing
