#include "binding/photo.h"

#include <cstdint>
#include <string>

#include "binding/array.h"
#include "binding/refusal.h"

namespace attend::python {
namespace {

constexpr int64_t kMostPixels = int64_t{1} << 28;
constexpr int64_t kChannels = 3;

void check(const nb::ndarray<nb::ro>& pixels) {
  const nb::dlpack::dtype type = pixels.dtype();
  if (type != nb::dtype<uint8_t>()) {
    refuse_type("image is " + name_of_type(type) + ", but must be uint8");
  }
  if (pixels.ndim() != 3) {
    refuse_value("image has " + std::to_string(pixels.ndim()) + " axes, but must have 3: [height, width, 3]");
  }
  if (pixels.shape(2) != kChannels) {
    refuse_value("image axis 2 is " + std::to_string(pixels.shape(2)) + ", but must be 3: red, green, blue");
  }
  const auto height = static_cast<int64_t>(pixels.shape(0)), width = static_cast<int64_t>(pixels.shape(1));
  if (height == 0 || width == 0) {
    refuse_value("image is " + std::to_string(height) + " x " + std::to_string(width) +
                 " pixels, but must have at least 1");
  }
  if (height > kMostPixels / width) {
    refuse_value("image is " + std::to_string(height) + " x " + std::to_string(width) +
                 " pixels, but must have at most " + std::to_string(kMostPixels));
  }
}

}  // namespace

Photo photo_of(const nb::object& image) {
  const nb::ndarray<nb::ro> pixels = borrowed(image, "image");
  check(pixels);
  Photo photo = {static_cast<int>(pixels.shape(1)), static_cast<int>(pixels.shape(0)), {}};
  photo.rgb.resize(static_cast<size_t>(photo.width) * static_cast<size_t>(photo.height) * kChannels);
  const auto* from = static_cast<const uint8_t*>(pixels.data());
  auto to = photo.rgb.begin();
  for (int64_t y = 0; y < photo.height; ++y) {
    for (int64_t x = 0; x < photo.width; ++x) {
      for (int64_t c = 0; c < kChannels; ++c) {
        *to++ = from[y * pixels.stride(0) + x * pixels.stride(1) + c * pixels.stride(2)];
      }
    }
  }
  return photo;
}

}  // namespace attend::python
