#include "base/random.h"

#include <gtest/gtest.h>

#include <bit>

namespace attend {
namespace {

TEST(RandomKey, TheSameCounterGivesTheSameNumberAndOthersDiffer) {
  const RandomKey key = RandomKey(7).child(3);
  EXPECT_EQ(key.bits(5), RandomKey(7).child(3).bits(5));
  EXPECT_NE(key.bits(5), key.bits(6));
  EXPECT_NE(key.bits(5), RandomKey(7).child(4).bits(5));
  EXPECT_NE(key.bits(5), RandomKey(8).child(3).bits(5));
}

TEST(RandomKey, NeighbouringCountersDifferInHalfOfTheirBits) {
  const RandomKey key(1);
  double flipped = 0;
  for (uint64_t i = 0; i < 4096; ++i) flipped += std::popcount(key.bits(i) ^ key.bits(i + 1));
  EXPECT_NEAR(flipped / 4096, 32.0, 0.5);  // standard error 4 / 64 = 0.06
}

TEST(RandomKey, UniformsAndNormalsHaveTheirMoments) {
  const RandomKey key(2);
  constexpr int kDraws = 200000;
  double sum = 0, normal_sum = 0, normal_squares = 0;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const double u = key.uniform(i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    const double n = key.child(9).normal(i);
    normal_sum += n;
    normal_squares += n * n;
  }
  EXPECT_NEAR(sum / kDraws, 0.5, 0.003);
  EXPECT_NEAR(normal_sum / kDraws, 0.0, 0.01);
  EXPECT_NEAR(normal_squares / kDraws, 1.0, 0.02);
}

TEST(RandomKey, BelowCoversItsRangeEvenly) {
  const RandomKey key(3);
  int counts[7] = {};
  for (uint64_t i = 0; i < 70000; ++i) ++counts[key.below(i, 7)];
  for (int count : counts) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace attend
