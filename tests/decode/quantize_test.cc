#include "decode/quantize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace attend {
namespace {

TEST(QuantizedRow, IsOffByAtMostItsBound) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const RandomKey key(seed);
    std::vector<float> x(1 + key.below(0, 200));
    const double spread = std::exp(40 * (key.uniform(1) - 0.5));
    for (size_t d = 0; d < x.size(); ++d) x[d] = static_cast<float>(spread * key.normal(2 + d));
    std::vector<int8_t> q(x.size());
    const float scale = quantize_row(x.data(), static_cast<int64_t>(x.size()), q.data());
    double largest = 0;
    for (const float v : x) largest = std::max(largest, std::abs(double{v}));
    for (size_t d = 0; d < x.size(); ++d) {
      EXPECT_LE(std::abs(x[d] - double{scale} * q[d]), largest / 253);
      EXPECT_GE(q[d], -127);
    }
  }
}

TEST(QuantizedRow, RoundsToNearestAndKeepsTheSign) {
  const std::vector<float> x = {-127, -126.4f, -0.6f, -0.4f, 0, 0.4f, 0.6f, 1.4f, 126.6f};
  std::vector<int8_t> q(x.size());
  EXPECT_EQ(quantize_row(x.data(), 9, q.data()), 1.0f);
  EXPECT_EQ(q, (std::vector<int8_t>{-127, -126, -1, 0, 0, 0, 1, 1, 127}));
}

TEST(QuantizedRow, OfZerosAndOfTinyNumbersIsZeros) {
  for (const float tiny : {0.0f, -0.0f, 1e-45f, 0x1p-101f}) {
    const std::vector<float> x = {tiny, -tiny, 0};
    std::vector<int8_t> q(3, 5);
    EXPECT_EQ(quantize_row(x.data(), 3, q.data()), 0.0f);
    EXPECT_EQ(q, (std::vector<int8_t>{0, 0, 0}));
  }
}

TEST(QuantizedRow, WithANanOrAnInfinityIsNanAsAWhole) {
  for (const float bad : {NAN, INFINITY, -INFINITY}) {
    const std::vector<float> x = {1, bad, 2};
    std::vector<int8_t> q(3);
    EXPECT_TRUE(std::isnan(quantize_row(x.data(), 3, q.data())));
  }
}

TEST(QuantizedRow, TakesTheLargestFloats) {
  const float max = std::numeric_limits<float>::max();
  const std::vector<float> x = {max, -max, max / 2};
  std::vector<int8_t> q(3);
  const float scale = quantize_row(x.data(), 3, q.data());
  EXPECT_EQ(q[0], 127);
  EXPECT_EQ(q[1], -127);
  EXPECT_NEAR(double{scale} * 127 / max, 1, 1e-6);
}

}  // namespace
}  // namespace attend
