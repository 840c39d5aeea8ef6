// Image files of all kinds, made by libvips at test time.
#ifndef ATTEND_TESTS_VISION_MADE_IMAGES_H_
#define ATTEND_TESTS_VISION_MADE_IMAGES_H_

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <vips/vips8>

#include "vision/photo.h"

namespace attend {

using Pixel = std::array<int, 3>;

/// An image whose quarters are red and green above, blue and white below.
inline Photo quarters(int width, int height) {
  static constexpr Pixel kColours[2][2] = {{{200, 20, 20}, {20, 180, 20}}, {{20, 20, 190}, {240, 240, 240}}};
  Photo photo{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int c : kColours[2 * y / height][2 * x / width])
        photo.rgb.push_back(static_cast<uint8_t>(c));
    }
  }
  return photo;
}

/// The pixel at the centre of a quarter: row and column are 0 or 1.
inline Pixel quarter_of(const Photo& photo, int row, int column) {
  const int x = photo.width * (1 + 2 * column) / 4, y = photo.height * (1 + 2 * row) / 4;
  const uint8_t* p = photo.rgb.data() + 3 * (y * photo.width + x);
  return {p[0], p[1], p[2]};
}

/// The photo as a libvips image with pixels of its own.
inline vips::VImage to_vips(const Photo& photo) {
  return vips::VImage::new_from_memory(const_cast<uint8_t*>(photo.rgb.data()), photo.rgb.size(), photo.width,
                                       photo.height, 3, VIPS_FORMAT_UCHAR)
      .copy(vips::VImage::option()->set("interpretation", VIPS_INTERPRETATION_sRGB))
      .copy_memory();
}

/// The bytes of a file with the given suffix: ".jpg", ".png[...]".
inline std::string encoded(const vips::VImage& image, const std::string& suffix) {
  void* bytes = nullptr;
  size_t size = 0;
  image.write_to_buffer(suffix.c_str(), &bytes, &size);
  std::string file(static_cast<const char*>(bytes), size);
  g_free(bytes);
  return file;
}

inline Result<Photo> decode(const std::string& file, int longest_side = kLongestPhotoSide) {
  return decode_photo(std::as_bytes(std::span(file.data(), file.size())), "made", longest_side);
}

}  // namespace attend

#endif  // ATTEND_TESTS_VISION_MADE_IMAGES_H_
