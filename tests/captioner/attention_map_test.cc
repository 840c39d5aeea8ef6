#include "captioner/attention_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "drawing/heat_overlay.h"

namespace attend {
namespace {

std::vector<float> one_hot(int grid, int row, int column) {
  std::vector<float> map(static_cast<size_t>(grid * grid));
  map[static_cast<size_t>(row * grid + column)] = 1;
  return map;
}

TEST(AttentionMap, TheHottestPointLiesInTheHottestPatch) {
  constexpr int kWidth = 131, kHeight = 57;
  for (const int grid : {1, 2, 7, 9}) {
    for (int row = 0; row < grid; ++row) {
      for (int column = 0; column < grid; ++column) {
        const std::vector<float> fine = upsample_map(one_hot(grid, row, column), grid, kWidth, kHeight);
        ASSERT_EQ(fine.size(), static_cast<size_t>(kWidth * kHeight));
        const int at = static_cast<int>(std::ranges::max_element(fine) - fine.begin());
        EXPECT_EQ((2 * (at / kWidth) + 1) * grid / (2 * kHeight), row);
        EXPECT_EQ((2 * (at % kWidth) + 1) * grid / (2 * kWidth), column);
      }
    }
  }
}

TEST(AttentionMap, NoPointLeavesTheRangeOfThePatches) {
  std::vector<float> map;
  for (uint64_t i = 0; i < 49; ++i) map.push_back(static_cast<float>(RandomKey(2).uniform(i)));
  const auto [least, most] = std::ranges::minmax(map);
  for (const float w : upsample_map(map, 7, 100, 33)) {
    EXPECT_GE(w, least - 1e-6f);
    EXPECT_LE(w, most + 1e-6f);
  }
  const std::vector<float> even(25, 0.04f);
  for (const float w : upsample_map(even, 5, 3, 71)) EXPECT_NEAR(w, 0.04f, 1e-7);
}

TEST(AttentionMap, APatchFarFromTheEdgesKeepsItsWeight) {
  const std::vector<float> fine = upsample_map(one_hot(9, 4, 4), 9, 90, 180);
  double sum = 0;
  for (const float w : fine) sum += w;
  EXPECT_NEAR(sum, 10 * 20, 0.05);
  EXPECT_NEAR(*std::ranges::max_element(fine), 4.0 / 9, 0.01);
}

TEST(AttentionMap, AMirroredMapIsTheMirroredPicture) {
  std::vector<float> map(9), mirrored(9);
  for (size_t i = 0; i < 9; ++i) {
    map[i] = static_cast<float>(RandomKey(3).uniform(i));
    mirrored[i / 3 * 3 + 2 - i % 3] = map[i];
  }
  const std::vector<float> a = upsample_map(map, 3, 40, 20), b = upsample_map(mirrored, 3, 40, 20);
  for (size_t y = 0; y < 20; ++y) {
    for (size_t x = 0; x < 40; ++x) EXPECT_NEAR(a[y * 40 + x], b[y * 40 + 39 - x], 1e-6);
  }
}

TEST(AttentionMap, SpreadCountsThePatchesThatShareTheWeight) {
  EXPECT_NEAR(spread(std::vector<float>(81, 0.1f)), 1, 1e-6);
  EXPECT_NEAR(spread(one_hot(9, 3, 3)), 1.0 / 81, 1e-9);
  std::vector<float> half(10);
  std::fill_n(half.begin(), 5, 0.2f);
  EXPECT_NEAR(spread(half), 0.5, 1e-6);
  EXPECT_EQ(spread(std::vector<float>(4)), 0);
  EXPECT_EQ(spread(std::vector<float>(4, NAN)), 0);
}

TEST(AttentionMap, OnlyANearlyEvenMapIsDiffuse) {
  EXPECT_TRUE(is_diffuse(std::vector<float>(81, 1.0f / 81)));
  EXPECT_FALSE(is_diffuse(one_hot(9, 0, 0)));
  std::vector<float> two_levels(81, 1.0f);
  std::fill_n(two_levels.begin(), 9, 6.0f);
  EXPECT_FALSE(is_diffuse(two_levels));
}

TEST(AttentionMap, OneScaleServesAllWordsOfACaption) {
  Caption caption;
  caption.grid = 4;
  caption.words = {{"a", 1, std::vector<float>(16, 1.0f / 16)}};
  EXPECT_NEAR(colour_scale(caption), 4.0 / 16, 1e-9) << "an even map does not glow";
  caption.words.push_back({"dog", 1, one_hot(4, 1, 2)});
  const double scale = colour_scale(caption);
  EXPECT_GT(scale, 4.0 / 16);
  EXPECT_LE(scale, 1);
  const std::vector<float> fine = upsample_map(one_hot(4, 1, 2), 4, 400, 400);
  EXPECT_NEAR(*std::ranges::max_element(fine), scale, 0.06 * scale);
}

double luminance(const std::array<uint8_t, 3>& colour) {
  const auto linear = [](uint8_t c) { return std::pow(c / 255.0, 2.2); };
  return 0.2126 * linear(colour[0]) + 0.7152 * linear(colour[1]) + 0.0722 * linear(colour[2]);
}

TEST(HeatOverlay, HotterIsLighter) {
  for (int i = 1; i <= 32; ++i) {
    EXPECT_GT(luminance(heat_colour(i / 32.0)), luminance(heat_colour((i - 1) / 32.0))) << i;
  }
  EXPECT_EQ(heat_colour(-1), heat_colour(0));
  EXPECT_EQ(heat_colour(7), heat_colour(1));
}

TEST(HeatOverlay, ColdIsDarkHotIsTintedAndNotANumberIsCold) {
  Photo photo = {.width = 5, .height = 1, .rgb = std::vector<uint8_t>(15, 200)};
  overlay_heat(std::vector<float>{0, 0.5f, 1, 9, NAN}, 1.0, photo);
  const auto pixel = [&](size_t p) {
    return std::vector<uint8_t>(photo.rgb.begin() + static_cast<std::ptrdiff_t>(3 * p),
                                photo.rgb.begin() + static_cast<std::ptrdiff_t>(3 * p + 3));
  };
  EXPECT_EQ(pixel(0), std::vector<uint8_t>(3, 80));
  EXPECT_GT(pixel(1)[0], pixel(0)[0]);
  EXPECT_GT(pixel(2)[0], pixel(1)[0]);
  EXPECT_GT(pixel(2)[0], pixel(2)[2]);  // yellow: more red than blue
  EXPECT_EQ(pixel(3), pixel(2));
  EXPECT_EQ(pixel(4), pixel(0));
}

}  // namespace
}  // namespace attend
