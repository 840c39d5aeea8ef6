#include "training/views.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace attend {
namespace {

/// A photo of one byte a pixel, three times, that counts from the top left.
Photo counting_photo(int width, int height) {
  Photo photo{width, height, {}};
  for (int pixel = 0; pixel < width * height; ++pixel) {
    photo.rgb.insert(photo.rgb.end(), 3, static_cast<uint8_t>(pixel));
  }
  return photo;
}

std::vector<int> pixels_of(const Photo& photo) {
  std::vector<int> pixels;
  for (size_t i = 0; i < photo.rgb.size(); i += 3) pixels.push_back(photo.rgb[i]);
  return pixels;
}

TEST(Mirror, ColumnsAreReversedAndRowsAreNot) {
  const Photo photo{3, 2, {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19}};
  const Photo mirrored = mirror(photo);
  EXPECT_EQ(mirrored.rgb,
            (std::vector<uint8_t>{7, 8, 9, 4, 5, 6, 1, 2, 3, 17, 18, 19, 14, 15, 16, 11, 12, 13}));
  EXPECT_EQ(mirror(mirrored).rgb, photo.rgb);
}

TEST(Cut, TakesThePixelsWhoseCentresLieInTheWindow) {
  const Photo photo = counting_photo(4, 3);
  const Photo part = cut(photo, {.left = 0.25, .top = 0.3, .width = 0.5, .height = 0.7});
  EXPECT_EQ(part.width, 2);
  EXPECT_EQ(part.height, 2);
  EXPECT_EQ(pixels_of(part), (std::vector<int>{5, 6, 9, 10}));
  EXPECT_EQ(cut(photo, {}).rgb, photo.rgb);
}

TEST(Cut, LeavesAPixelAtLeastAndNeverLeavesThePhoto) {
  EXPECT_EQ(pixels_of(cut(counting_photo(3, 1), {.left = 0.4, .top = 0, .width = 0.01, .height = 1})),
            (std::vector<int>{1}));
  EXPECT_EQ(pixels_of(cut(counting_photo(3, 2), {.left = 0.99, .top = 0.99, .width = 0.5, .height = 0.5})),
            (std::vector<int>{5}));
  const Photo dot = counting_photo(1, 1);
  for (int64_t photo = 0; photo < 50; ++photo) EXPECT_EQ(cut(dot, window_of(photo, 1, false)).rgb, dot.rgb);
}

TEST(WindowOf, IsTheWholePhotoAndThenLargePartsOfIt) {
  const Window whole = window_of(7, 0, true);
  EXPECT_EQ(whole.left, 0);
  EXPECT_EQ(whole.top, 0);
  EXPECT_EQ(whole.width, 1);
  EXPECT_EQ(whole.height, 1);
  double smallest = 1, mean_left = 0;
  for (int64_t photo = 0; photo < 500; ++photo) {
    const Window window = window_of(photo, 1, false);
    EXPECT_GE(window.left, 0);
    EXPECT_GE(window.top, 0);
    EXPECT_LE(window.left + window.width, 1);
    EXPECT_LE(window.top + window.height, 1);
    smallest = std::min({smallest, window.width, window.height});
    mean_left += window.left / 500;
  }
  EXPECT_GE(smallest, 0.7);
  EXPECT_LT(smallest, 0.71);
  EXPECT_NEAR(mean_left, 0.075, 0.01) << "half of half of three tenths";
}

TEST(WindowOf, DiffersByPhotoCropAndMirror) {
  const double left = window_of(3, 1, false).left;
  EXPECT_EQ(window_of(3, 1, false).left, left);
  EXPECT_NE(window_of(4, 1, false).left, left);
  EXPECT_NE(window_of(3, 2, false).left, left);
  EXPECT_NE(window_of(3, 1, true).left, left);
}

}  // namespace
}  // namespace attend
