#include "vision/photo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "golden_photo.h"
#include "made_images.h"

namespace attend {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using vips::VImage;

class APhoto : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(VIPS_INIT("attend_vision_tests"), 0); }

  /// Decodes, failing the test when that fails.
  static Photo must_decode(const std::string& file, int longest_side = kLongestPhotoSide) {
    Result<Photo> photo = decode(file, longest_side);
    EXPECT_TRUE(photo.ok()) << photo.status().message();
    return photo.ok() ? std::move(photo).value() : quarters(2, 2);
  }

  static void expect_near(const Pixel& actual, const Pixel& expected, int tolerance) {
    for (size_t c = 0; c < 3; ++c) {
      EXPECT_LE(std::abs(actual[c] - expected[c]), tolerance)
          << c << ": " << actual[c] << " for " << expected[c];
    }
  }

  static void expect_quarters(const Photo& photo, int tolerance) {
    const Photo expected = quarters(4, 4);
    for (const int row : {0, 1}) {
      for (const int column : {0, 1}) {
        expect_near(quarter_of(photo, row, column), quarter_of(expected, row, column), tolerance);
      }
    }
  }
};

TEST_F(APhoto, InALosslessFormatComesBackToTheBit) {
  const Photo original = quarters(61, 43);
  for (const char* suffix :
       {".png", ".png[interlace]", ".webp[lossless]", ".tif", ".tif[compression=lzw]", ".gif"}) {
    const Photo photo = must_decode(encoded(to_vips(original), suffix));
    EXPECT_EQ(photo.width, 61) << suffix;
    EXPECT_EQ(photo.height, 43) << suffix;
    EXPECT_EQ(photo.rgb, original.rgb) << suffix;
  }
}

TEST_F(APhoto, InJpegIsWhatPillowDecodes) {
  const Safetensors golden = open_golden("vision_jpeg.safetensors");
  const Result<Photo> photo = decode_photo(golden.tensors().at("file").bytes, "golden");
  ASSERT_TRUE(photo.ok()) << photo.status().message();
  const Photo expected = golden_photo(golden, "pixels");
  ASSERT_EQ(photo.value().width, expected.width);
  ASSERT_EQ(photo.value().rgb.size(), expected.rgb.size());
  // Decoders may differ by a rounding in the transform and one in the colour conversion.
  for (size_t i = 0; i < expected.rgb.size(); ++i) ASSERT_NEAR(photo.value().rgb[i], expected.rgb[i], 2) << i;
}

TEST_F(APhoto, IsTurnedUprightByItsOrientation) {
  // Which quarter of the upright photo the stored top left and top right are, for EXIF orientations 1 to 8.
  const struct {
    Pixel top_left, top_right;
  } kStored[8] = {{{0, 0}, {0, 1}}, {{0, 1}, {0, 0}}, {{1, 1}, {1, 0}}, {{1, 0}, {1, 1}},
                  {{0, 0}, {1, 0}}, {{0, 1}, {1, 1}}, {{1, 1}, {0, 1}}, {{1, 0}, {0, 0}}};
  const Photo upright = quarters(64, 32);
  for (int orientation = 1; orientation <= 8; ++orientation) {
    // Lay the quarters out as a camera held in that orientation stores them.
    const auto& stored = kStored[orientation - 1];
    const bool sideways = orientation >= 5;
    Photo photo{sideways ? 32 : 64, sideways ? 64 : 32, {}};
    for (int y = 0; y < photo.height; ++y) {
      for (int x = 0; x < photo.width; ++x) {
        const Pixel& left = stored.top_left;
        const Pixel& right = stored.top_right;
        const bool below = 2 * y >= photo.height, rightwards = 2 * x >= photo.width;
        Pixel at = rightwards ? right : left;
        if (below) at = {left[0] ^ right[0] ? at[0] : 1 - at[0], left[1] ^ right[1] ? at[1] : 1 - at[1], 0};
        for (const int c : quarter_of(upright, at[0], at[1])) photo.rgb.push_back(static_cast<uint8_t>(c));
      }
    }
    VImage image = to_vips(photo).copy();
    image.set(VIPS_META_ORIENTATION, orientation);
    for (const int longest_side : {2048, 16}) {
      const Photo decoded = must_decode(encoded(image, ".jpg[Q=95]"), longest_side);
      EXPECT_EQ(decoded.width, 2 * decoded.height) << orientation;
      expect_quarters(decoded, 12);
    }
  }
}

TEST_F(APhoto, OfGreyBecomesEqualChannels) {
  const VImage grey = to_vips(quarters(16, 16)).colourspace(VIPS_INTERPRETATION_B_W);
  const int expected = static_cast<int>(grey.getpoint(4, 4)[0]);
  for (const char* suffix : {".png", ".jpg[Q=100]", ".tif"}) {
    expect_near(quarter_of(must_decode(encoded(grey, suffix)), 0, 0), {expected, expected, expected}, 1);
  }
  const VImage deep = (grey * 257.0)
                          .cast(VIPS_FORMAT_USHORT)
                          .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_GREY16));
  for (const char* suffix : {".png", ".tif"}) {
    expect_near(quarter_of(must_decode(encoded(deep, suffix)), 0, 0), {expected, expected, expected}, 1);
  }
}

TEST_F(APhoto, OfSixteenBitsIsRoundedToEight) {
  const VImage deep = (to_vips(quarters(16, 16)) * 257.0)
                          .cast(VIPS_FORMAT_USHORT)
                          .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_RGB16));
  for (const char* suffix : {".png", ".tif"}) expect_quarters(must_decode(encoded(deep, suffix)), 1);
}

TEST_F(APhoto, OfInksBecomesColours) {
  // Cyan, magenta, yellow, black: paper, full black, and red out of magenta and yellow.
  const uint8_t inks[] = {0, 0, 0, 0, 0, 0, 0, 255, 0, 255, 255, 0};
  std::vector<uint8_t> pixels;
  for (int y = 0; y < 16; ++y) {
    for (int x = 0; x < 48; ++x) pixels.insert(pixels.end(), inks + x / 16 * 4, inks + x / 16 * 4 + 4);
  }
  const VImage image = VImage::new_from_memory(pixels.data(), pixels.size(), 48, 16, 4, VIPS_FORMAT_UCHAR)
                           .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_CMYK));
  for (const char* suffix : {".jpg[Q=100]", ".tif"}) {
    const Photo photo = must_decode(encoded(image, suffix));
    ASSERT_EQ(photo.rgb.size(), 3u * 48 * 16);
    const uint8_t* row = photo.rgb.data() + 8 * 48 * 3;
    expect_near({row[8 * 3], row[8 * 3 + 1], row[8 * 3 + 2]}, {255, 255, 255}, 6);
    expect_near({row[24 * 3], row[24 * 3 + 1], row[24 * 3 + 2]}, {35, 31, 32}, 40);
    expect_near({row[40 * 3], row[40 * 3 + 1], row[40 * 3 + 2]}, {237, 28, 36}, 40);
  }
}

TEST_F(APhoto, WithAlphaLiesOnWhite) {
  const VImage opaque = to_vips(quarters(16, 16));
  for (const int alpha : {0, 128, 255}) {
    const VImage image = opaque.bandjoin_const({static_cast<double>(alpha)});
    for (const char* suffix : {".png", ".webp[lossless]", ".tif"}) {
      if (alpha == 0 && std::string(suffix).starts_with(".webp"))
        continue;  // libwebp discards invisible colours
      const Pixel colour = quarter_of(must_decode(encoded(image, suffix)), 0, 0);
      expect_near(colour,
                  {(200 * alpha + 255 * (255 - alpha)) / 255, (20 * alpha + 255 * (255 - alpha)) / 255,
                   (20 * alpha + 255 * (255 - alpha)) / 255},
                  1);
    }
  }
  const VImage deep = (opaque.bandjoin_const({128.0}) * 257.0)
                          .cast(VIPS_FORMAT_USHORT)
                          .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_RGB16));
  expect_near(quarter_of(must_decode(encoded(deep, ".png")), 0, 0), {227, 137, 137}, 1);
  const VImage grey = opaque.colourspace(VIPS_INTERPRETATION_B_W).bandjoin_const({0.0});
  expect_near(quarter_of(must_decode(encoded(grey, ".png")), 0, 0), {255, 255, 255}, 0);
}

TEST_F(APhoto, ShowsNoInvisibleColourWhenShrunk) {
  // Transparent black beside opaque white: nothing but white is to be seen at any scale.
  std::vector<uint8_t> pixels;
  for (int i = 0; i < 64 * 64; ++i) {
    const uint8_t visible = i % 3 == 0 ? 255 : 0;
    pixels.insert(pixels.end(), {visible, visible, visible, visible});
  }
  const VImage image = VImage::new_from_memory(pixels.data(), pixels.size(), 64, 64, 4, VIPS_FORMAT_UCHAR)
                           .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB));
  const Photo photo = must_decode(encoded(image, ".png"), 20);
  EXPECT_THAT(photo.rgb, ::testing::Each(255));
}

TEST_F(APhoto, ThatMovesIsItsFirstFrame) {
  const Photo first = quarters(32, 24);
  Photo second = first;
  std::fill(second.rgb.begin(), second.rgb.end(), uint8_t{0});
  VImage both = to_vips(first).join(to_vips(second), VIPS_DIRECTION_VERTICAL).copy();
  both.set("page-height", 24);
  for (const char* suffix : {".gif", ".webp[lossless]", ".tif"}) {
    const Photo photo = must_decode(encoded(both, suffix));
    EXPECT_EQ(photo.height, 24) << suffix;
    expect_quarters(photo, 2);
  }
}

TEST_F(APhoto, IsConvertedByItsColourProfile) {
  const VImage wide = to_vips(quarters(32, 32)).icc_transform("p3");
  ASSERT_NE(wide.getpoint(8, 8)[0], 200.0);  // the stored numbers differ
  for (const char* suffix : {".png", ".jpg[Q=100]", ".tif"}) {
    expect_quarters(must_decode(encoded(wide, suffix)), 4);
  }
}

TEST_F(APhoto, WithABrokenColourProfileIsShownWithout) {
  VImage image = to_vips(quarters(32, 32)).copy();
  const std::string nonsense(300, 'x');
  image.set(VIPS_META_ICC_NAME, nullptr, const_cast<char*>(nonsense.data()), nonsense.size());
  expect_quarters(must_decode(encoded(image, ".jpg[Q=95]")), 12);
  expect_quarters(must_decode(encoded(image, ".tif")), 0);
}

TEST_F(APhoto, IsShrunkInProportionAndNeverEnlarged) {
  for (const auto& [width, height] : {std::pair{1000, 500}, {300, 900}, {640, 640}, {333, 61}}) {
    const VImage image = to_vips(quarters(width, height));
    for (const char* suffix : {".jpg[Q=95]", ".png", ".webp[lossless]"}) {
      const std::string file = encoded(image, suffix);
      for (const int longest : {16, 100, 159, 333, 2048}) {
        const Photo photo = must_decode(file, longest);
        const double scale = std::min(1.0, static_cast<double>(longest) / std::max(width, height));
        EXPECT_LE(std::max(photo.width, photo.height), longest) << suffix;
        EXPECT_NEAR(photo.width, width * scale, 1.0) << suffix;
        EXPECT_NEAR(photo.height, height * scale, 1.0) << suffix;
        if (photo.height >= 16) expect_quarters(photo, 20);  // the filter rings at the edges
      }
    }
  }
}

TEST_F(APhoto, OfASingleRowKeepsIt) {
  for (const char* suffix : {".jpg", ".png", ".webp[lossless]", ".tif"}) {
    for (const int rows : {1, 2, 5}) {
      const VImage row = to_vips(quarters(4000, 4)).resize(1.0, VImage::option()->set("vscale", rows / 4.0));
      for (const VImage& image : {row, row.rot90()}) {
        const Photo photo = must_decode(encoded(image, suffix), 100);
        EXPECT_EQ(std::max(photo.width, photo.height), 100) << suffix;
        EXPECT_EQ(std::min(photo.width, photo.height), 1) << suffix;
        EXPECT_EQ(squash(photo, 32).rgb.size(), 3u * 32 * 32);
      }
    }
  }
}

TEST_F(APhoto, IsReadFromAPathWithAnyName) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("attend_photo_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string path = (folder / "Übung [n=2] 写真.jpg").string();
  std::ofstream(path, std::ios::binary)
      << encoded(to_vips(quarters(32, 32)), ".png");  // the name does not decide
  const Result<Photo> photo = load_photo(path);
  ASSERT_TRUE(photo.ok()) << photo.status().message();
  expect_quarters(photo.value(), 0);
  std::filesystem::remove_all(folder);
}

TEST_F(APhoto, IsDecodedTheSameOnManyThreadsAtOnce) {
  const std::string good = encoded(to_vips(quarters(200, 100)), ".jpg");
  const std::string bad = good.substr(0, good.size() / 2);
  const Photo expected = must_decode(good, 64);
  std::vector<std::thread> threads;
  std::array<int, 4> failures{};
  for (size_t t = 0; t < failures.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const Result<Photo> photo = decode(good, 64);
        if (!photo.ok() || photo.value().rgb != expected.rgb) ++failures[t];
        if (decode(bad, 64).ok()) ++failures[t];
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(failures, ::testing::Each(0));
}

}  // namespace
}  // namespace attend
