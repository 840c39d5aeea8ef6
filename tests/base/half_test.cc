#include "base/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace attend {
namespace {

/// The definition: sign, exponent and fraction by arithmetic in double.
double half_by_definition(uint16_t h) {
  const int exponent = (h >> 10) & 31, fraction = h & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

TEST(Half, EveryHalfWidensToItsDefinitionAndComesBack) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto h = static_cast<uint16_t>(bits);
    const float f = half_to_float(h);
    if ((h & 0x7c00) == 0x7c00) {
      if ((h & 0x3ff) != 0) {
        ASSERT_TRUE(std::isnan(f));
        ASSERT_TRUE(std::isnan(half_to_float(float_to_half(f))));
      } else {
        ASSERT_EQ(f, (h & 0x8000) != 0 ? -INFINITY : INFINITY);
        ASSERT_EQ(float_to_half(f), h);
      }
      continue;
    }
    ASSERT_EQ(static_cast<double>(f), half_by_definition(h));
    ASSERT_EQ(float_to_half(f), h);
  }
}

TEST(Half, RoundingIsToNearestAndTiesGoToEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {  // every positive finite half and the gap above it
    const double low = half_by_definition(static_cast<uint16_t>(bits));
    const double high = half_by_definition(static_cast<uint16_t>(bits + 1));
    const auto middle = static_cast<float>((low + high) / 2);
    ASSERT_EQ(float_to_half(middle), bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0f)), bits);
    ASSERT_EQ(float_to_half(std::nextafter(middle, 1e9f)), bits + 1);
  }
}

TEST(Half, WhatDoesNotFitBecomesInfinity) {
  EXPECT_EQ(float_to_half(65504.0f), 0x7bff);
  EXPECT_EQ(float_to_half(65519.9f), 0x7bff);
  EXPECT_EQ(float_to_half(65520.0f), 0x7c00);
  EXPECT_EQ(float_to_half(-1e30f), 0xfc00);
  EXPECT_EQ(float_to_half(std::numeric_limits<float>::infinity()), 0x7c00);
}

TEST(BFloat16, EveryValueComesBackAndRoundingIsToNearestEven) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto b = static_cast<uint16_t>(bits);
    const float f = bfloat16_to_float(b);
    if (std::isnan(f)) {
      ASSERT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(f))));
    } else {
      ASSERT_EQ(float_to_bfloat16(f), b);
    }
  }
  EXPECT_EQ(float_to_bfloat16(std::bit_cast<float>(0x3f808000u)), 0x3f80);  // tie, down to even
  EXPECT_EQ(float_to_bfloat16(std::bit_cast<float>(0x3f818000u)), 0x3f82);  // tie, up to even
  EXPECT_EQ(float_to_bfloat16(std::bit_cast<float>(0x3f808001u)), 0x3f81);
  EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(std::bit_cast<float>(0x7f800001u)))));
}

TEST(Half, ArraysConvertElementByElement) {
  const std::vector<float> floats = {0.0f, -1.5f, 3.14159f, 65504.0f, 1e-7f, -0.0f, 2.0f};
  std::vector<uint16_t> halves(floats.size());
  floats_to_halves(floats, halves);
  std::vector<float> back(floats.size());
  halves_to_floats(halves, back);
  for (size_t i = 0; i < floats.size(); ++i) EXPECT_EQ(back[i], half_to_float(float_to_half(floats[i])));
}

}  // namespace
}  // namespace attend
