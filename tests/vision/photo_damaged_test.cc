// Files that are not, or no longer, photographs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/random.h"
#include "made_images.h"
#include "vision/photo.h"

namespace attend {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// Also checks that nothing of it reaches standard error, which belongs to the program.
class ADamagedPhoto : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_EQ(VIPS_INIT("attend_vision_tests"), 0); }
  void SetUp() override { ::testing::internal::CaptureStderr(); }
  void TearDown() override { EXPECT_EQ(::testing::internal::GetCapturedStderr(), ""); }

  static void expect_one_line(const Status& status, StatusCode code, const std::string& name) {
    EXPECT_EQ(status.code(), code) << status.message();
    EXPECT_THAT(status.message(), StartsWith(name + ": "));
    EXPECT_THAT(status.message(), Not(HasSubstr("\n")));
  }

  static std::string scene(const std::string& suffix) {
    Photo photo = quarters(120, 90);
    const RandomKey key(5);
    for (size_t i = 0; i < photo.rgb.size(); ++i) {
      photo.rgb[i] = static_cast<uint8_t>((photo.rgb[i] + key.below(i, 16)) & 0xff);
    }
    return encoded(to_vips(photo), suffix);
  }
};

TEST_F(ADamagedPhoto, CutShortIsAnErrorAndNotAGreyHalf) {
  for (const char* suffix : {".jpg", ".jpg[interlace]", ".png", ".png[interlace]", ".gif", ".webp", ".tif"}) {
    const std::string whole = scene(suffix);
    ASSERT_TRUE(decode(whole).ok()) << suffix;
    for (const int longest_side : {2048, 30}) {
      for (const double part : {0.03, 0.1, 0.35, 0.5, 0.75, 0.9, 0.97}) {
        const std::string cut =
            whole.substr(0, static_cast<size_t>(part * static_cast<double>(whole.size())));
        const Result<Photo> photo = decode(cut, longest_side);
        ASSERT_FALSE(photo.ok()) << suffix << " at " << part;
        expect_one_line(photo.status(), StatusCode::kCorrupt, "made");
      }
    }
  }
}

TEST_F(ADamagedPhoto, WithItsHeaderCutAtAnyByteIsAnError) {
  for (const char* suffix : {".jpg", ".png", ".gif", ".webp", ".tif"}) {
    const std::string whole = scene(suffix);
    for (size_t size = 0; size < 64; ++size) {
      const Result<Photo> photo = decode(whole.substr(0, size));
      ASSERT_FALSE(photo.ok()) << suffix << " at " << size;
      EXPECT_THAT(photo.status().message(), StartsWith("made: "));
    }
  }
}

TEST_F(ADamagedPhoto, WithBytesChangedIsAPhotoOrAnErrorButNeverMore) {
  int refused = 0;
  for (const char* suffix : {".jpg", ".png", ".gif", ".webp", ".tif"}) {
    const std::string whole = scene(suffix);
    for (uint64_t round = 0; round < 60; ++round) {
      const RandomKey key = RandomKey(9).child(round);
      std::string damaged = whole;
      const size_t reach = round % 2 == 0 ? std::min<size_t>(damaged.size(), 80) : damaged.size();
      for (uint64_t i = 0; i < 3; ++i)
        damaged[key.below(2 * i, reach)] = static_cast<char>(key.bits(2 * i + 1) & 0xff);
      const Result<Photo> photo = decode(damaged, 200);
      if (photo.ok()) {
        const Photo& p = photo.value();
        EXPECT_EQ(p.rgb.size(), 3u * static_cast<size_t>(p.width) * static_cast<size_t>(p.height));
      } else {
        EXPECT_THAT(photo.status().message(), StartsWith("made: "));
        EXPECT_THAT(photo.status().message(), Not(HasSubstr("\n")));
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 0);
}

TEST_F(ADamagedPhoto, ThatIsNoPhotoIsNamed) {
  const Status empty = decode("").status();
  expect_one_line(empty, StatusCode::kCorrupt, "made");
  EXPECT_THAT(empty.message(), HasSubstr("empty"));
  const Status text = decode("Dear diary, today I took no photographs at all.\n").status();
  expect_one_line(text, StatusCode::kCorrupt, "made");
  EXPECT_THAT(text.message(), HasSubstr("not an image"));
}

TEST_F(ADamagedPhoto, OfAFormatWithAnUnsafeDecoderIsRefused) {
  const Status svg =
      decode("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"></svg>").status();
  EXPECT_FALSE(svg.ok());
  EXPECT_THAT(svg.message(), StartsWith("made: "));
  const Status pdf = decode("%PDF-1.4\n1 0 obj\n<< >>\nendobj\n").status();
  EXPECT_FALSE(pdf.ok());
  EXPECT_THAT(pdf.message(), StartsWith("made: "));
}

uint32_t crc32(const std::string& bytes) {
  uint32_t crc = 0xffffffffu;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~crc;
}

std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>((value >> shift) & 0xff);
  return bytes;
}

TEST_F(ADamagedPhoto, ThatClaimsToBeHugeIsRefusedWithBothNumbers) {
  const auto chunk = [](const std::string& type, const std::string& data) {
    return big_endian(static_cast<uint32_t>(data.size())) + type + data + big_endian(crc32(type + data));
  };
  const std::string png =
      std::string("\x89PNG\r\n\x1a\n", 8) +
      chunk("IHDR", big_endian(60000) + big_endian(50000) + std::string("\x08\x02\0\0\0", 5)) +
      chunk("IDAT", "") + chunk("IEND", "");
  const Status status = decode(png).status();
  expect_one_line(status, StatusCode::kUnsupported, "made");
  EXPECT_THAT(status.message(), HasSubstr("60000 x 50000 pixels"));
}

TEST_F(ADamagedPhoto, AtABadPathIsNamed) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("attend_damaged_" + std::to_string(::getpid()));
  std::filesystem::create_directories(folder);
  const std::string missing = (folder / "missing.jpg").string(), empty = (folder / "empty.jpg").string();
  std::ofstream(empty).close();
  expect_one_line(load_photo(missing).status(), StatusCode::kNotFound, missing);
  expect_one_line(load_photo(empty).status(), StatusCode::kCorrupt, empty);
  expect_one_line(load_photo(folder.string()).status(), StatusCode::kInvalidArgument, folder.string());
  EXPECT_EQ(decode(scene(".png"), 0).status().code(), StatusCode::kInvalidArgument);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace attend
