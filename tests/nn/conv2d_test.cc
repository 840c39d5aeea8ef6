#include "nn/conv2d.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> random_values(int64_t count, uint64_t seed) {
  const RandomKey key(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(key.normal(i));
  return values;
}

/// What one output is, and how large the sum of its terms' magnitudes: float32 errors scale with the latter.
struct Expected {
  double value = 0;
  double magnitude = 0;
};

struct Case {
  Conv2dOptions options;
  ImageShape input;
  Padding2d padding;
};

int64_t weight_count(const Conv2dOptions& o) {
  const int64_t in = o.kind == ConvolutionKind::kDepthwise ? 1 : o.in_channels;
  return o.out_channels * in * o.kernel * o.kernel;
}

/// The definition, in float64, one output at a time.
Expected convolve_at(const Case& c, const std::vector<float>& x, const std::vector<float>& weights,
                     float bias, const std::array<int64_t, 4>& at) {
  const auto [n, i, j, o] = at;
  const bool depthwise = c.options.kind == ConvolutionKind::kDepthwise;
  const int64_t in = depthwise ? 1 : c.options.in_channels, kernel = c.options.kernel;
  Expected sum = {bias, std::abs(bias)};
  for (int64_t u = 0; u < kernel; ++u) {
    for (int64_t v = 0; v < kernel; ++v) {
      const int64_t row = i * c.options.stride + u - c.padding.top,
                    column = j * c.options.stride + v - c.padding.left;
      if (row < 0 || column < 0 || row >= c.input.height || column >= c.input.width) continue;
      const int64_t pixel = (n * c.input.height + row) * c.input.width + column;
      for (int64_t k = 0; k < in; ++k) {
        const double w = weights[static_cast<size_t>(((o * in + k) * kernel + u) * kernel + v)];
        const double term = w * x[static_cast<size_t>(pixel * c.input.channels + (depthwise ? o : k))];
        sum.value += term;
        sum.magnitude += std::abs(term);
      }
    }
  }
  return sum;
}

void expect_like_plain_loops(const Case& c) {
  const std::vector<float> x = random_values(c.input.size(), 1);
  const std::vector<float> weights = random_values(weight_count(c.options), 2);
  const std::vector<float> bias = random_values(c.options.out_channels, 3);
  const Result<Conv2d> convolution = Conv2d::create(c.options, weights, bias);
  ASSERT_TRUE(convolution.ok()) << convolution.status().message();
  Result<Conv2dPlan> plan = convolution.value().plan(c.input, c.padding);
  ASSERT_TRUE(plan.ok()) << plan.status().message();
  const ImageShape shape = plan.value().output();
  ASSERT_EQ(shape.height,
            (c.input.height + c.padding.top + c.padding.bottom - c.options.kernel) / c.options.stride + 1);

  std::vector<float> held(static_cast<size_t>(shape.size()), kNaN);  // NaN shows what was not written
  if (c.options.accumulate) held = random_values(shape.size(), 4);
  std::vector<float> y = held;
  ASSERT_TRUE(plan.value().run(x.data(), y.data()).ok());

  const int64_t in = c.options.kind == ConvolutionKind::kDepthwise ? 1 : c.options.in_channels;
  const double terms = static_cast<double>(in * c.options.kernel * c.options.kernel + 2);
  size_t index = 0;
  for (int64_t n = 0; n < shape.batch; ++n) {
    for (int64_t i = 0; i < shape.height; ++i) {
      for (int64_t j = 0; j < shape.width; ++j) {
        for (int64_t o = 0; o < shape.channels; ++o, ++index) {
          Expected e = convolve_at(c, x, weights, bias[static_cast<size_t>(o)], {n, i, j, o});
          if (c.options.accumulate) e = {e.value + held[index], e.magnitude + std::abs(held[index])};
          if (c.options.relu6) e.value = std::clamp(e.value, 0.0, 6.0);
          // The bound of a float32 sum in any order: terms * unit roundoff * the sum of magnitudes.
          ASSERT_LE(std::abs(y[index] - e.value), terms * 0x1p-24 * e.magnitude)
              << n << " " << i << " " << j << " " << o;
        }
      }
    }
  }
}

Conv2dOptions dense(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return {ConvolutionKind::kDense, in, out, kernel, stride, false, false};
}
Conv2dOptions depthwise(int64_t channels, int64_t kernel, int64_t stride) {
  return {ConvolutionKind::kDepthwise, channels, channels, kernel, stride, true, false};
}

TEST(Conv2d, DenseIsLikePlainLoopsAtAwkwardSizes) {
  for (const auto& [in, out] : {std::pair{1, 1}, {3, 32}, {7, 9}, {16, 8}, {17, 63}, {65, 24}}) {
    for (const int64_t kernel : {1, 3, 5}) {
      for (const int64_t stride : {1, 2}) {
        const ImageShape input = {1, 9, 7, in};
        expect_like_plain_loops({dense(in, out, kernel, stride), input, same_padding(input, kernel, stride)});
      }
    }
  }
}

TEST(Conv2d, DepthwiseIsLikePlainLoopsAtAwkwardSizes) {
  for (const int64_t channels : {1, 7, 8, 24, 33, 96, 257}) {
    for (const int64_t kernel : {1, 3, 5}) {
      for (const int64_t stride : {1, 2, 3}) {
        const ImageShape input = {1, 8, 13, channels};
        expect_like_plain_loops(
            {depthwise(channels, kernel, stride), input, same_padding(input, kernel, stride)});
      }
    }
  }
}

TEST(Conv2d, TakesPaddingThatDiffersOnEverySide) {
  const ImageShape input = {2, 6, 9, 16};
  expect_like_plain_loops({dense(16, 24, 3, 2), input, {0, 2, 1, 0}});
  expect_like_plain_loops({dense(16, 24, 5, 1), input, {4, 1, 0, 3}});
  expect_like_plain_loops({depthwise(16, 5, 2), input, {1, 2, 2, 1}});
  expect_like_plain_loops({depthwise(16, 3, 1), input, {2, 0, 0, 1}});
}

TEST(Conv2d, AddsToItsOutputBeforeTheActivation) {
  for (const bool relu6 : {false, true}) {
    Conv2dOptions options = dense(19, 24, 1, 1);
    options.accumulate = true;
    options.relu6 = relu6;
    expect_like_plain_loops({options, {3, 5, 5, 19}, {}});
    options = depthwise(40, 3, 1);
    options.accumulate = true;
    options.relu6 = relu6;
    expect_like_plain_loops({options, {1, 6, 6, 40}, {1, 1, 1, 1}});
  }
}

TEST(Conv2d, ClipsAtZeroAndSix) {
  Conv2dOptions options = dense(1, 3, 1, 1);
  options.relu6 = true;
  const float weights[] = {1.0f, 10.0f, -1.0f}, bias[] = {0.0f, 0.0f, 0.0f}, x[] = {1.0f};
  Result<Conv2dPlan> plan = Conv2d::create(options, weights, bias).value().plan({1, 1, 1, 1}, {});
  ASSERT_TRUE(plan.ok());
  float y[3];
  ASSERT_TRUE(plan.value().run(x, y).ok());
  EXPECT_THAT(y, ::testing::ElementsAre(1.0f, 6.0f, 0.0f));
}

TEST(Conv2d, PlansOfSeveralSizesShareItsWeights) {
  const std::vector<float> weights = random_values(32 * 24 * 9, 5), bias = random_values(32, 6);
  std::vector<Conv2dPlan> plans;
  {
    const Conv2d convolution = Conv2d::create(dense(24, 32, 3, 1), weights, bias).value();
    for (const int64_t side : {3, 18, 64}) {
      const ImageShape input = {1, side, side, 24};
      plans.push_back(convolution.plan(input, same_padding(input, 3, 1)).value());
    }
  }
  // An image of ones: away from the border every pixel is the same, whatever the plan.
  float centre = kNaN;
  for (Conv2dPlan& plan : plans) {
    const ImageShape shape = plan.output();
    const std::vector<float> x(static_cast<size_t>(shape.height * shape.width * 24), 1.0f);
    std::vector<float> y(static_cast<size_t>(shape.size()), kNaN);
    ASSERT_TRUE(plan.run(x.data(), y.data()).ok());
    const float here = y[static_cast<size_t>((shape.height / 2 * shape.width + shape.width / 2) * 32)];
    if (std::isnan(centre)) centre = here;
    EXPECT_NEAR(here, centre, 1e-4f * std::abs(centre));
  }
}

TEST(Conv2d, GivesTheSameBitsOnAnyNumberOfThreads) {
  const int before = omp_get_max_threads();
  for (const Conv2dOptions& options : {dense(48, 72, 1, 1), dense(3, 32, 3, 2), depthwise(96, 5, 2)}) {
    const ImageShape input = {1, 37, 29, options.in_channels};
    const std::vector<float> x = random_values(input.size(), 7);
    const std::vector<float> weights = random_values(weight_count(options), 8);
    const std::vector<float> bias = random_values(options.out_channels, 9);
    std::vector<float> results[2];
    for (const int threads : {1, 3}) {
      omp_set_num_threads(threads);
      Result<Conv2dPlan> plan = Conv2d::create(options, weights, bias)
                                    .value()
                                    .plan(input, same_padding(input, options.kernel, options.stride));
      ASSERT_TRUE(plan.ok());
      std::vector<float>& y = results[threads == 1 ? 0 : 1];
      y.resize(static_cast<size_t>(plan.value().output().size()), kNaN);
      ASSERT_TRUE(plan.value().run(x.data(), y.data()).ok());
    }
    EXPECT_EQ(results[0], results[1]);
  }
  omp_set_num_threads(before);
}

TEST(Conv2d, NamesWhatDoesNotFit) {
  const std::vector<float> weights(18), bias(2);
  EXPECT_TRUE(Conv2d::create(dense(1, 2, 3, 1), weights, bias).ok());
  const auto message = [&](const Conv2dOptions& options) {
    const Result<Conv2d> convolution = Conv2d::create(options, weights, bias);
    EXPECT_EQ(convolution.status().code(), StatusCode::kInvalidArgument);
    return convolution.status().message();
  };
  EXPECT_EQ(message(dense(2, 2, 3, 1)), "conv2d: 18 weights where 36 are due");
  EXPECT_EQ(message(dense(2, 1, 3, 1)), "conv2d: 2 biases for 1 output channels");
  EXPECT_THAT(message(dense(0, 2, 3, 1)), HasSubstr("0 input"));
  EXPECT_THAT(message(dense(1, 2, 3, 0)), HasSubstr("stride 0"));
  EXPECT_THAT(message(dense(1, 2, -3, 1)), HasSubstr("kernel -3"));
  Conv2dOptions uneven = depthwise(1, 3, 1);
  uneven.out_channels = 2;
  EXPECT_THAT(message(uneven), HasSubstr("depthwise convolution of 1 channels"));

  const Conv2d convolution = Conv2d::create(dense(1, 2, 3, 1), weights, bias).value();
  EXPECT_THAT(convolution.plan({1, 8, 8, 2}, {}).status().message(),
              HasSubstr("2 channels for weights of 1"));
  EXPECT_THAT(convolution.plan({1, 2, 8, 1}, {}).status().message(), HasSubstr("2 x 8 pixels"));
  EXPECT_FALSE(convolution.plan({0, 8, 8, 1}, {}).ok());
  EXPECT_FALSE(convolution.plan({1, 8, 8, 1}, {0, -1, 0, 1}).ok());
}

TEST(SamePadding, GivesTheOddZeroBelowAndToTheRight) {
  const Padding2d even = same_padding({1, 224, 15, 3}, 3, 2);
  EXPECT_EQ(even.top, 0);
  EXPECT_EQ(even.bottom, 1);
  EXPECT_EQ(even.left, 1);
  EXPECT_EQ(even.right, 1);
  const Padding2d five = same_padding({1, 56, 56, 3}, 5, 2);
  EXPECT_EQ(five.top, 1);
  EXPECT_EQ(five.bottom, 2);
  const Padding2d none = same_padding({1, 7, 7, 3}, 1, 2);
  EXPECT_EQ(none.top + none.bottom + none.left + none.right, 0);
}

}  // namespace
}  // namespace attend
