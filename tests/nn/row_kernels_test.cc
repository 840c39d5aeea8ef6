// The float kernels against their definition in double, on every instruction set that this machine has.
#include "nn/row_kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "nn/every_instruction_set.h"

namespace attend {
namespace {

constexpr int64_t kSizes[] = {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 257, 1000};
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

std::vector<float> random(int64_t n, uint64_t seed, double deviation = 1.0, double mean = 0.0) {
  std::vector<float> values(static_cast<size_t>(n));
  const RandomKey key(seed);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(mean + deviation * key.normal(i));
  return values;
}

std::vector<double> widen(const std::vector<float>& values) {
  return {values.begin(), values.end()};
}

void expect_near(const std::vector<float>& actual, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(actual.size(), expected.size());
  for (size_t i = 0; i < actual.size(); ++i) {
    ASSERT_TRUE(std::abs(static_cast<double>(actual[i]) - expected[i]) <= tolerance)
        << "element " << i << " of " << actual.size() << ": " << actual[i] << " against " << expected[i];
  }
}

class RowKernels : public testing::EveryInstructionSet {};
INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, RowKernels, testing::instruction_sets(),
                         testing::name_of_instruction_set);

TEST_P(RowKernels, GeluIsWithinAMillionthEverywhere) {
  std::vector<float> x;
  for (double v = -20.0; v <= 20.0; v += 1.0 / 1024) x.push_back(static_cast<float>(v));
  const int64_t n = static_cast<int64_t>(x.size());
  std::vector<float> y(x.size()), slope(x.size()), ones(x.size(), 1.0f);
  std::vector<double> expected(x.size()), expected_slope(x.size()), double_ones(x.size(), 1.0);
  const std::vector<double> wide = widen(x);
  kernels::gelu(x.data(), y.data(), n);
  kernels::gelu(wide.data(), expected.data(), n);
  expect_near(y, expected, 1e-6);
  kernels::gelu_gradient(x.data(), ones.data(), slope.data(), n);
  kernels::gelu_gradient(wide.data(), double_ones.data(), expected_slope.data(), n);
  expect_near(slope, expected_slope, 1e-6);
}

TEST_P(RowKernels, GeluKeepsTheRelativePrecisionOfSmallNumbers) {
  for (const float x : {1e-30f, -1e-20f, 1e-6f, -1e-3f, -3.0f, -4.5f}) {
    float y;
    double expected;
    const double wide = static_cast<double>(x);
    kernels::gelu(&x, &y, 1);
    kernels::gelu(&wide, &expected, 1);
    EXPECT_NEAR(static_cast<double>(y), expected, 1e-5 * std::abs(expected)) << x;
  }
}

TEST_P(RowKernels, GeluOfExtremesIsItsLimit) {
  const std::vector<float> x = {kInfinity, -kInfinity, 1e30f, -1e30f, kNan, 0.0f};
  std::vector<float> y(6), slope(6);
  const std::vector<float> ones(6, 1.0f);
  kernels::gelu(x.data(), y.data(), 6);
  kernels::gelu_gradient(x.data(), ones.data(), slope.data(), 6);
  EXPECT_EQ(y[0], kInfinity);
  EXPECT_EQ(y[1], 0.0f);
  EXPECT_EQ(y[2], 1e30f);
  EXPECT_EQ(y[3], 0.0f);
  EXPECT_TRUE(std::isnan(y[4]));
  EXPECT_EQ(y[5], 0.0f);
  EXPECT_EQ(slope[0], 1.0f);
  EXPECT_EQ(slope[1], 0.0f);
  EXPECT_TRUE(std::isnan(slope[4]));
  EXPECT_EQ(slope[5], 0.5f);
}

TEST_P(RowKernels, NothingIsWrittenPastTheEnd) {
  for (const int64_t n : kSizes) {
    const size_t count = static_cast<size_t>(n);
    const std::vector<float> x = random(n, 1), dy = random(n, 2);
    std::vector<float> y(count + 64, 7.0f);
    const auto untouched = [&] {
      for (size_t i = count; i < y.size(); ++i) ASSERT_EQ(y[i], 7.0f) << n;
    };
    kernels::gelu(x.data(), y.data(), n);
    untouched();
    kernels::gelu_gradient(x.data(), dy.data(), y.data(), n);
    untouched();
    kernels::add(x.data(), dy.data(), y.data(), n);
    untouched();
    kernels::normalize(x.data(), n, 1e-5, x.data(), dy.data(), y.data());
    untouched();
    kernels::drop(y.data(), 0, n, {RandomKey(1), 30000, 2.0});
    untouched();
    kernels::softmax_loss(y.data(), n, {0, 1.0, 0.0}, 1.0);
    untouched();
  }
}

TEST_P(RowKernels, AddAddsInPlaceAndApart) {
  for (const int64_t n : kSizes) {
    const std::vector<float> a = random(n, 1), b = random(n, 2);
    std::vector<float> sum(a.size()), onto = a;
    kernels::add(a.data(), b.data(), sum.data(), n);
    kernels::add(onto.data(), b.data(), onto.data(), n);
    for (size_t i = 0; i < a.size(); ++i) ASSERT_EQ(sum[i], a[i] + b[i]);
    ASSERT_EQ(onto, sum);
  }
}

TEST_P(RowKernels, AddRowsAddsEveryRowInOrder) {
  for (const int64_t n : kSizes) {
    for (const int64_t rows : {0, 1, 7, 8, 9, 17}) {
      const int64_t stride = n + 3;
      const std::vector<float> x = random(rows * stride, 1);
      std::vector<float> sum = random(n, 2), expected = sum;
      sum.resize(sum.size() + 32, 7.0f);
      kernels::add_rows(x.data(), rows, stride, n, sum.data());
      for (int64_t r = 0; r < rows; ++r) {
        for (int64_t i = 0; i < n; ++i) {
          expected[static_cast<size_t>(i)] += x[static_cast<size_t>(r * stride + i)];
        }
      }
      expected.resize(sum.size(), 7.0f);
      ASSERT_EQ(sum, expected) << rows << " rows of " << n;
    }
  }
}

TEST_P(RowKernels, NormalizeIsItsDefinition) {
  for (const int64_t n : kSizes) {
    const std::vector<float> x = random(n, 1, 2.0, 5.0), gain = random(n, 2), bias = random(n, 3);
    std::vector<float> y(x.size());
    std::vector<double> expected(x.size());
    const auto row = kernels::normalize(x.data(), n, 1e-3, gain.data(), bias.data(), y.data());
    const auto exact =
        kernels::normalize(widen(x).data(), n, 1e-3, widen(gain).data(), widen(bias).data(), expected.data());
    // A mean of 5 over 1000 numbers is known to about 5e-6 where one lane adds them all; a row of one number
    // divides that by sqrt(1e-3).
    const double tolerance = n == 1 ? 1e-4 : 2e-5;
    expect_near(y, expected, tolerance);
    EXPECT_NEAR(static_cast<double>(row.mean), exact.mean, 5e-6);
    EXPECT_NEAR(static_cast<double>(row.inverse_deviation), exact.inverse_deviation,
                2e-5 * exact.inverse_deviation);
  }
}

TEST_P(RowKernels, NormalizeSurvivesAMeanThatDwarfsTheDeviation) {
  const int64_t n = 257;
  const std::vector<float> x = random(n, 1, 1.0, 3000.0), gain(x.size(), 1.0f), bias(x.size(), 0.0f);
  std::vector<float> y(x.size());
  std::vector<double> expected(x.size());
  kernels::normalize(x.data(), n, 1e-5, gain.data(), bias.data(), y.data());
  kernels::normalize(widen(x).data(), n, 1e-5, widen(gain).data(), widen(bias).data(), expected.data());
  expect_near(y, expected, 3000.0 * 0x1p-22);  // an ulp or two of the mean
}

TEST_P(RowKernels, AConstantRowNormalizesToTheBias) {
  const std::vector<float> x(33, -4.25f), gain = random(33, 1), bias = random(33, 2);
  std::vector<float> y(33);
  kernels::normalize(x.data(), 33, 1e-5, gain.data(), bias.data(), y.data());
  for (size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], bias[i], 1e-3f * std::abs(gain[i]));
}

TEST_P(RowKernels, NormalizeGradientIsItsDefinitionAndAddsUp) {
  for (const int64_t n : kSizes) {
    const std::vector<float> x = random(n, 1), dy = random(n, 2), gain = random(n, 3);
    std::vector<float> dx(x.size()), dparameters(2 * x.size(), 0.5f);
    std::vector<double> expected(x.size()), expected_parameters(2 * x.size(), 0.5);
    const kernels::RowScale<float> row{0.125f, 1.5f};
    kernels::normalize_gradient(x.data(), dy.data(), n, row, gain.data(), dx.data(), dparameters.data());
    kernels::normalize_gradient(widen(x).data(), widen(dy).data(), n, {0.125, 1.5}, widen(gain).data(),
                                expected.data(), expected_parameters.data());
    expect_near(dx, expected, 4e-5);
    expect_near(dparameters, expected_parameters, 4e-6);
  }
}

TEST_P(RowKernels, DropFollowsItsRuleBitByBit) {
  for (const int64_t n : kSizes) {
    for (const uint32_t threshold : {0u, 1u, 13107u, 65535u}) {
      const kernels::DropRule rule{RandomKey(5), threshold, 2.0};
      std::vector<float> x(static_cast<size_t>(n), 1.0f);
      std::vector<double> expected(x.size(), 1.0);
      kernels::drop(x.data(), 4096, n, rule);
      kernels::drop(expected.data(), 4096, n, rule);
      expect_near(x, expected, 0.0);
    }
  }
}

TEST_P(RowKernels, DropIsTheSameHoweverTheElementsAreCut) {
  const kernels::DropRule rule{RandomKey(6), 20000, 1.5};
  std::vector<float> whole = random(1000, 1), parts = whole;
  kernels::drop(whole.data(), 0, 1000, rule);
  for (const auto& [first, count] : {std::pair<int64_t, int64_t>{0, 4}, {4, 300}, {304, 256}, {560, 440}}) {
    kernels::drop(parts.data() + first, first, count, rule);
  }
  EXPECT_EQ(whole, parts);
}

TEST_P(RowKernels, SoftmaxLossIsItsDefinition) {
  for (const int64_t n : kSizes) {
    for (const double smoothing : {0.0, 0.1}) {
      std::vector<float> x = random(n, 1, 4.0);
      std::vector<double> expected = widen(x);
      const kernels::SoftTarget q{n / 2, 1.0 - smoothing, smoothing / static_cast<double>(n)};
      const double loss = kernels::softmax_loss(x.data(), n, q, -0.5);
      const double exact = kernels::softmax_loss(expected.data(), n, q, -0.5);
      EXPECT_NEAR(loss, exact, 3e-6 * std::max(1.0, exact));
      expect_near(x, expected, 1e-6);
    }
  }
}

TEST_P(RowKernels, SoftmaxLossOfHugeLogitsIsFinite) {
  std::vector<float> x = {3e4f, -3e4f, 2.9e4f, 0.0f, 1.0f, 5.0f, 3e4f, -1e4f, 7.0f};
  const double loss = kernels::softmax_loss(x.data(), 9, {1, 1.0, 0.0}, 1.0);
  EXPECT_NEAR(loss, 6e4 + std::log(2.0), 0.01);
  EXPECT_NEAR(x[0], 0.5f, 1e-6f);
  EXPECT_NEAR(x[1], -1.0f, 1e-6f);
  EXPECT_EQ(x[3], 0.0f);
}

TEST_P(RowKernels, ANanAmongTheLogitsReachesTheLoss) {
  for (const size_t where : {0u, 5u, 40u}) {
    std::vector<float> x = random(41, 1);
    x[where] = kNan;
    EXPECT_TRUE(std::isnan(kernels::softmax_loss(x.data(), 41, {3, 1.0, 0.0}, 1.0))) << where;
  }
}

TEST_P(RowKernels, LogSoftmaxIsThatOfDouble) {
  for (const int64_t n : kSizes) {
    for (const double mean :
         {0.0, 90.0, -3000.0}) {  // exp of the logits themselves would overflow, or vanish
      std::vector<float> x = random(n, static_cast<uint64_t>(n), 5.0, mean);
      std::vector<double> expected = widen(x);
      kernels::log_softmax(x.data(), n);
      kernels::log_softmax(expected.data(), n);
      expect_near(x, expected, mean == -3000.0 ? 5e-4 : 2e-5);  // what numbers so large are told apart by
    }
  }
}

TEST_P(RowKernels, LogSoftmaxLeavesAForbiddenLogitForbiddenAndSpreadsANan) {
  std::vector<float> x = random(41, 1);
  x[7] = x[40] = -kInfinity;
  kernels::log_softmax(x.data(), 41);
  double sum = 0;
  for (const float v : x) sum += std::exp(static_cast<double>(v));
  EXPECT_NEAR(sum, 1.0, 1e-6);
  EXPECT_EQ(x[7], -kInfinity);
  EXPECT_EQ(x[40], -kInfinity);
  for (const size_t where : {3u, 40u}) {
    std::vector<float> spoiled = random(41, 1);
    spoiled[where] = kNan;
    kernels::log_softmax(spoiled.data(), 41);
    for (const float v : spoiled) EXPECT_TRUE(std::isnan(v));
  }
}

}  // namespace
}  // namespace attend
