#include "end_to_end/photo_files.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string_view>
#include <vector>
#include <vips/vips8>

namespace attend {
namespace {

using vips::VImage;

void start_vips() {
  static const bool started = VIPS_INIT("tests") == 0;
  if (!started) ADD_FAILURE() << "libvips does not start";
}

/// Grey levels: a ramp, with a white and a black corner.
uint8_t level(int x, int y) {
  if (x >= kPictureWidth - 10 && y < 10) return 255;
  if (x < 8 && y >= kPictureHeight - 6) return 0;
  return static_cast<uint8_t>(40 + 4 * x + y / 2);
}

std::vector<uint8_t> levels(bool black) {
  std::vector<uint8_t> pixels;
  for (int y = 0; y < kPictureHeight; ++y) {
    for (int x = 0; x < kPictureWidth; ++x) pixels.push_back(black ? uint8_t{0} : level(x, y));
  }
  return pixels;
}

VImage grey_picture(bool black = false) {
  start_vips();
  // The images borrow these pixels.
  static const std::vector<uint8_t> kPixels = levels(false), kBlackPixels = levels(true);
  const std::vector<uint8_t>& pixels = black ? kBlackPixels : kPixels;
  return VImage::new_from_memory(const_cast<uint8_t*>(pixels.data()), pixels.size(), kPictureWidth,
                                 kPictureHeight, 1, VIPS_FORMAT_UCHAR)
      .copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_B_W));
}

VImage picture() {
  return grey_picture().colourspace(VIPS_INTERPRETATION_sRGB);
}

std::string saved(const VImage& image, const std::string& suffix) {
  void* buffer = nullptr;
  size_t size = 0;
  image.write_to_buffer(suffix.c_str(), &buffer, &size);
  std::string bytes(static_cast<const char*>(buffer), size);
  g_free(buffer);
  return bytes;
}

/// The checksum of PNG chunks (ISO 3309), bit by bit.
uint32_t crc(std::string_view bytes) {
  uint32_t remainder = 0xffffffffu;
  for (const char byte : bytes) {
    remainder ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit)
      remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0xedb88320u : 0u);
  }
  return ~remainder;
}

std::string big_endian(uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16), static_cast<char>(value >> 8),
          static_cast<char>(value)};
}

std::string chunk(const std::string& type, const std::string& data) {
  return big_endian(static_cast<uint32_t>(data.size())) + type + data + big_endian(crc(type + data));
}

}  // namespace

std::string png_photo() {
  return saved(picture(), ".png");
}

std::string grey_png_photo() {
  return saved(grey_picture(), ".png");
}

std::string sixteen_bit_png_photo() {
  const VImage wide = (picture() * 257).cast(VIPS_FORMAT_USHORT);
  return saved(wide.copy(VImage::option()->set("interpretation", VIPS_INTERPRETATION_RGB16)), ".png");
}

std::string transparent_png_photo() {
  const VImage opaque = grey_picture() < 255;  // 255 where true
  const VImage colours = picture() & opaque;
  return saved(colours.bandjoin(opaque), ".png");
}

std::string spot_colour_tiff_photo() {
  return saved(picture().bandjoin_const({255.0}).bandjoin(grey_picture()), ".tif");
}

std::string turned_tiff_photo() {
  VImage turned = picture().rot(VIPS_ANGLE_D270).copy();
  turned.set(VIPS_META_ORIENTATION, 6);  // turn a quarter clockwise to see it upright
  return saved(turned, ".tif");
}

std::string animated_gif_photo() {
  VImage frames = VImage::arrayjoin({picture(), grey_picture(true).colourspace(VIPS_INTERPRETATION_sRGB)},
                                    VImage::option()->set("across", 1));
  frames = frames.copy();
  frames.set(VIPS_META_PAGE_HEIGHT, kPictureHeight);
  return saved(frames, ".gif");
}

std::string jpeg_photo() {
  return saved(picture(), ".jpg[Q=95]");
}

std::string cmyk_jpeg_photo() {
  return saved(picture().colourspace(VIPS_INTERPRETATION_CMYK), ".jpg[Q=95]");
}

std::string png_header(unsigned width, unsigned height) {
  const std::string header = big_endian(width) + big_endian(height) + std::string("\x08\x02\x00\x00\x00", 5);
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", header) + chunk("IDAT", "") + chunk("IEND", "");
}

std::string example_photo(const std::string& name) {
  std::ifstream file(ATTEND_EXAMPLES_DIR "/photos/" + name, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(file), {}};
  if (bytes.empty()) ADD_FAILURE() << "cannot read example " << name;
  return bytes;
}

}  // namespace attend
