#include "vision/resize.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "golden_photo.h"
#include "made_images.h"

namespace attend {
namespace {

TEST(Squash, IsEqualToPillowToTheBit) {
  const Safetensors golden = open_golden("vision_squash.safetensors");
  int compared = 0;
  for (const auto& [name, tensor] : golden.tensors()) {
    if (!name.ends_with(".photo")) continue;
    const Photo photo = golden_photo(golden, name);
    const Photo expected = golden_photo(golden, name.substr(0, name.size() - 5) + "squashed");
    const Photo actual = squash(photo, expected.width);
    EXPECT_EQ(actual.width, expected.width);
    EXPECT_EQ(actual.height, expected.height);
    EXPECT_EQ(actual.rgb, expected.rgb) << name;
    ++compared;
  }
  EXPECT_EQ(compared, 8);
}

TEST(Squash, LeavesAPhotoOfTheRightSizeAsItIs) {
  const Photo photo = quarters(32, 32);
  EXPECT_EQ(squash(photo, 32).rgb, photo.rgb);
}

TEST(Squash, KeepsAFlatColourAtAnyScale) {
  for (const auto& [width, height] : {std::pair{1, 1}, {3, 500}, {640, 7}, {257, 129}}) {
    Photo photo{width, height, {}};
    for (int i = 0; i < width * height; ++i) photo.rgb.insert(photo.rgb.end(), {0, 127, 255});
    for (const int side : {1, 31, 64, 300}) {
      const Photo small = squash(photo, side);
      ASSERT_EQ(small.rgb.size(), static_cast<size_t>(3 * side * side));
      for (size_t i = 0; i < small.rgb.size(); i += 3) {
        ASSERT_EQ(small.rgb[i], 0);
        ASSERT_EQ(small.rgb[i + 1], 127);
        ASSERT_EQ(small.rgb[i + 2], 255);
      }
    }
  }
}

TEST(Resize, MirrorsWithItsInput) {
  const auto mirrored = [](const Photo& photo) {
    Photo result{photo.width, photo.height, {}};
    for (int y = 0; y < photo.height; ++y) {
      for (int x = photo.width - 1; x >= 0; --x) {
        const auto at = photo.rgb.begin() + 3 * (y * photo.width + x);
        result.rgb.insert(result.rgb.end(), at, at + 3);
      }
    }
    return result;
  };
  const Photo photo = golden_photo(open_golden("vision_squash.safetensors"), "61x47.photo");
  for (const auto& [width, height] : {std::pair{20, 47}, {61, 20}, {100, 90}, {7, 5}}) {
    const Photo straight = resize_bicubic(photo, width, height),
                turned = resize_bicubic(mirrored(photo), width, height);
    EXPECT_EQ(turned.width, width);
    EXPECT_EQ(turned.height, height);
    const Photo back = mirrored(turned);
    // The tie of a tap at an exact half may fall to either side.
    for (size_t i = 0; i < back.rgb.size(); ++i) ASSERT_NEAR(straight.rgb[i], back.rgb[i], 1);
  }
}

TEST(Resize, APartIsWhatACropOfTheWholeGives) {
  const Photo photo = golden_photo(open_golden("vision_squash.safetensors"), "61x47.photo");
  for (const ResizeFilter filter : {ResizeFilter::kBilinear, ResizeFilter::kBicubic}) {
    for (const ResizedPart& part : {ResizedPart{20, 47, 3, 0, 11, 47}, ResizedPart{61, 90, 0, 17, 61, 40},
                                    ResizedPart{61, 47, 5, 6, 50, 30}, ResizedPart{130, 9, 129, 8, 1, 1}}) {
      const Photo whole = resize(photo, part.whole_width, part.whole_height, filter);
      const Photo seen = resize_part(photo, part, filter);
      ASSERT_EQ(seen.width, part.width);
      ASSERT_EQ(seen.height, part.height);
      for (int y = 0; y < part.height; ++y) {
        const auto row = whole.rgb.begin() + 3 * ((part.top + y) * part.whole_width + part.left);
        ASSERT_TRUE(std::equal(row, row + 3 * part.width, seen.rgb.begin() + 3 * y * part.width));
      }
    }
  }
}

TEST(Resize, APartOfAnEndlessWholeIsCheap) {
  const int length = 1 << 29;  // of which only the part is ever made
  const Photo photo = quarters(8192, 1);
  const Photo seen = resize_part(photo, {length, 224, length / 2 - 112, 0, 224, 224}, ResizeFilter::kBicubic);
  EXPECT_EQ(seen.rgb.size(), size_t{3 * 224 * 224});
}

}  // namespace
}  // namespace attend
