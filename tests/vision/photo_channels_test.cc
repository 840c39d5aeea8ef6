// Channels beyond the colours: transparency, and what is none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "made_images.h"
#include "vision/photo.h"
#include "vision/tiff_samples.h"

namespace attend {
namespace {

using vips::VImage;

constexpr uint16_t kUnspecified = 0, kTransparency = 2;

/// The TIFF with `meanings` in the place of what its ExtraSamples say; at most two.
std::string with_extra_samples(std::string tiff, std::initializer_list<uint16_t> meanings) {
  const size_t entry = tiff.find(std::string("\x52\x01\x03\x00", 4));
  EXPECT_NE(entry, std::string::npos);
  EXPECT_EQ(tiff[entry + 4], static_cast<char>(meanings.size()));
  size_t at = entry + 8;
  for (const uint16_t meaning : meanings) {
    tiff[at] = static_cast<char>(meaning);
    at += 2;
  }
  return tiff;
}

std::optional<int> transparent(const std::string& file) {
  return transparent_extra_sample(std::as_bytes(std::span(file.data(), file.size())));
}

class AnExtraChannel : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(VIPS_INIT("attend_vision_tests"), 0); }

  static VImage colours() { return to_vips(quarters(16, 16)); }
  static VImage grey() { return colours().colourspace(VIPS_INTERPRETATION_B_W); }
  static VImage deep(const VImage& image, VipsInterpretation space) {
    return (image * 257.0).cast(VIPS_FORMAT_USHORT).copy(VImage::option()->set("interpretation", space));
  }

  /// The file shows the quarters: in grey, or in their colours.
  static void expect_shown(const std::string& file, bool in_grey, int tolerance) {
    const Result<Photo> photo = decode(file);
    ASSERT_TRUE(photo.ok()) << photo.status().message();
    ASSERT_EQ(photo.value().rgb.size(), 3u * 16 * 16);
    const Photo expected = quarters(16, 16);
    for (const int row : {0, 1}) {
      for (const int column : {0, 1}) {
        const Pixel shown = quarter_of(photo.value(), row, column);
        Pixel wanted = quarter_of(expected, row, column);
        if (in_grey) wanted.fill(static_cast<int>(grey().getpoint(4 + 8 * column, 4 + 8 * row)[0]));
        for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(shown[c], wanted[c], tolerance) << row << column << c;
      }
    }
  }
};

TEST_F(AnExtraChannel, BehindAnOpaqueOneChangesNothing) {
  const VImage two = colours().bandjoin_const({255.0, 0.0}), three = two.bandjoin_const({77.0});
  expect_shown(with_extra_samples(encoded(two, ".tif"), {kTransparency, kUnspecified}), false, 0);
  expect_shown(encoded(three, ".tif"), false, 0);
  expect_shown(encoded(grey().bandjoin_const({255.0, 3.0}), ".tif"), true, 1);
  const VImage wide = deep(two, VIPS_INTERPRETATION_RGB16);
  expect_shown(with_extra_samples(encoded(wide, ".tif"), {kTransparency, kUnspecified}), false, 1);
  const VImage wide_grey = deep(grey().bandjoin_const({255.0, 3.0}), VIPS_INTERPRETATION_GREY16);
  expect_shown(with_extra_samples(encoded(wide_grey, ".tif"), {kTransparency, kUnspecified}), true, 1);
}

TEST_F(AnExtraChannel, InFrontOfTheTransparencyIsPassedOver) {
  const VImage image = colours().bandjoin_const({0.0, 255.0});
  expect_shown(with_extra_samples(encoded(image, ".tif"), {kUnspecified, kTransparency}), false, 0);
}

TEST_F(AnExtraChannel, ThatATiffDoesNotCallTransparencyIsNone) {
  const VImage infrared = colours().bandjoin_const({90.0});
  expect_shown(with_extra_samples(encoded(infrared, ".tif"), {kUnspecified}), false, 0);
  const Result<Photo> faded = decode(with_extra_samples(encoded(infrared, ".tif"), {kTransparency}));
  ASSERT_TRUE(faded.ok());
  EXPECT_GT(quarter_of(faded.value(), 0, 0)[1], 100);  // of 20, laid on white
}

TEST_F(AnExtraChannel, OfFloatsIsOpaqueAtOne) {
  const VImage linear = colours().colourspace(VIPS_INTERPRETATION_scRGB);
  for (const double alpha : {1.0, 0.0}) {
    const VImage image = linear.bandjoin_const({alpha}).cast(VIPS_FORMAT_FLOAT);
    const std::string file = encoded(image, ".tif");
    if (alpha == 1.0) {
      expect_shown(file, false, 1);
    } else {
      EXPECT_THAT(decode(file).value().rgb, ::testing::Each(255));
    }
  }
}

TEST_F(AnExtraChannel, OfLabIsTransparencyToo) {
  const VImage lab = colours().colourspace(VIPS_INTERPRETATION_LAB);
  expect_shown(encoded(lab, ".tif"), false, 4);
  const VImage words = colours().colourspace(VIPS_INTERPRETATION_LABS);
  const VImage opaque = words.bandjoin_const({-1.0}).cast(VIPS_FORMAT_SHORT);  // 65535 with a sign
  expect_shown(
      encoded(opaque.copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_LABS)), ".tif"), false,
      4);
}

TEST_F(AnExtraChannel, IsLookedUpInFilesThatAreCutAnywhere) {
  const std::string whole =
      with_extra_samples(encoded(colours().bandjoin_const({9.0}), ".tif"), {kUnspecified});
  EXPECT_EQ(transparent(whole), std::nullopt);
  for (size_t size = 0; size < whole.size(); ++size) transparent(whole.substr(0, size));
  EXPECT_EQ(transparent(""), 0);
  EXPECT_EQ(transparent("II*"), 0);
  EXPECT_EQ(transparent(encoded(colours(), ".png")), 0);
  EXPECT_EQ(transparent(std::string("II*\0\xff\xff\xff\xff", 8)), 0);
}

TEST_F(AnExtraChannel, IsFoundInEveryKindOfTiff) {
  const std::string big_endian("MM\0*\0\0\0\x08\0\x01\x01\x52\0\x03\0\0\0\x01\0\0\0\0", 22);
  EXPECT_EQ(transparent(big_endian), std::nullopt);
  const std::string far("MM\0*\0\0\0\x08\0\x01\x01\x52\0\x03\0\0\0\x03\0\0\0\x16\0\0\0\0\0\x02", 28);
  EXPECT_EQ(transparent(far), 2);
  const VImage image = colours().bandjoin_const({9.0});
  const std::string big = with_extra_samples(encoded(image, ".tif"), {kTransparency});
  EXPECT_EQ(transparent(big), 0);
  std::string bigtiff = encoded(image, ".tif[bigtiff]");
  bigtiff[bigtiff.find(std::string("\x52\x01\x03\x00", 4)) + 12] = kUnspecified;
  EXPECT_EQ(transparent(bigtiff), std::nullopt);
}

}  // namespace
}  // namespace attend
