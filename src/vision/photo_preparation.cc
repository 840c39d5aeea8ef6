#include "vision/photo_preparation.h"

#include <algorithm>
#include <cassert>
#include <cstdint>

namespace attend {
namespace {

using Size = PhotoPreparation::Size;

/// The bytes of each channel as numbers, looked up: there are only 256 of them.
std::array<float, 256> numbers_of_bytes(const PhotoPreparation& preparation, size_t channel) {
  std::array<float, 256> numbers{};
  for (size_t byte = 0; byte < numbers.size(); ++byte) {
    const double rescaled = static_cast<double>(byte) * preparation.rescale.value_or(1.0);
    float number = static_cast<float>(rescaled);
    if (preparation.mean) number -= (*preparation.mean)[channel];
    if (preparation.deviation) number /= (*preparation.deviation)[channel];
    numbers[byte] = number;
  }
  return numbers;
}

}  // namespace

Size PhotoPreparation::resized(int width, int height) const {
  if (squash) return *squash;
  if (!shortest_side) return {width, height};
  const int64_t shorter = std::min(width, height), longer = std::max(width, height);
  // As Python divides and truncates.
  const int64_t long_side =
      static_cast<int64_t>(static_cast<double>(*shortest_side * longer) / static_cast<double>(shorter));
  const int other = static_cast<int>(std::min<int64_t>(long_side, INT32_MAX));
  return width <= height ? Size{*shortest_side, other} : Size{other, *shortest_side};
}

Size PhotoPreparation::prepared(int width, int height) const {
  return crop ? *crop : resized(width, height);
}

PhotoArea area_seen(const PhotoPreparation& preparation, int width, int height) {
  if (!preparation.crop) return {};
  const Size whole = preparation.resized(width, height), part = *preparation.crop;
  const int left = (whole.width - part.width) / 2, top = (whole.height - part.height) / 2;  // whole pixels
  const double across = whole.width, down = whole.height;
  return {left / across, top / down, (left + part.width) / across, (top + part.height) / down};
}

std::vector<float> prepare(const Photo& photo, const PhotoPreparation& preparation) {
  const Size whole = preparation.resized(photo.width, photo.height);
  const Size part = preparation.prepared(photo.width, photo.height);
  assert(part.width <= whole.width && part.height <= whole.height);
  const int left = (whole.width - part.width) / 2, top = (whole.height - part.height) / 2;
  // Only what is looked at is made: a photo of 8192 x 1 is 224 high and 1.8 million pixels long as a whole.
  const Photo seen =
      resize_part(photo, {whole.width, whole.height, left, top, part.width, part.height}, preparation.filter);
  const size_t plane = static_cast<size_t>(part.width) * static_cast<size_t>(part.height);
  std::vector<float> numbers(3 * plane);
  for (size_t channel = 0; channel < 3; ++channel) {
    const std::array<float, 256> number_of = numbers_of_bytes(preparation, channel);
    float* to = numbers.data() + channel * plane;
    for (size_t pixel = 0; pixel < plane; ++pixel) to[pixel] = number_of[seen.rgb[3 * pixel + channel]];
  }
  return numbers;
}

}  // namespace attend
