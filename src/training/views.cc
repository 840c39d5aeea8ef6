#include "training/views.h"

#include <algorithm>
#include <cmath>

#include "base/random.h"

namespace attend {
namespace {

constexpr double kLeastSide = 0.7;
constexpr uint64_t kSeed = 0x77696e646f77;  // of all windows; features are cached, so no run may choose it

struct Span {
  int first, count;
};

/// The pixels of an axis whose centres lie in [start, start + length), shares of the axis.
Span pixels_in(int axis, double start, double length) {
  const auto centre_after = [axis](double at) { return static_cast<int>(std::ceil(at * axis - 0.5)); };
  const int first = std::clamp(centre_after(start), 0, axis - 1);
  const int last = std::clamp(centre_after(start + length), first + 1, axis);
  return {first, last - first};
}

}  // namespace

Window window_of(int64_t photo, int crop, bool mirrored) {
  if (crop == 0) return {};
  const RandomKey key = RandomKey(kSeed)
                            .child(static_cast<uint64_t>(photo))
                            .child(2 * static_cast<uint64_t>(crop) + (mirrored ? 1 : 0));
  Window window;
  window.width = kLeastSide + (1 - kLeastSide) * key.uniform(0);
  window.height = kLeastSide + (1 - kLeastSide) * key.uniform(1);
  window.left = (1 - window.width) * key.uniform(2);
  window.top = (1 - window.height) * key.uniform(3);
  return window;
}

Photo cut(const Photo& photo, const Window& window) {
  const Span columns = pixels_in(photo.width, window.left, window.width);
  const Span rows = pixels_in(photo.height, window.top, window.height);
  Photo part{columns.count, rows.count, {}};
  part.rgb.reserve(size_t{3} * static_cast<size_t>(columns.count) * static_cast<size_t>(rows.count));
  for (int y = rows.first; y < rows.first + rows.count; ++y) {
    const auto from = photo.rgb.begin() + 3 * (int64_t{y} * photo.width + columns.first);
    part.rgb.insert(part.rgb.end(), from, from + 3 * int64_t{columns.count});
  }
  return part;
}

Photo mirror(const Photo& photo) {
  Photo mirrored = photo;
  for (int y = 0; y < photo.height; ++y) {
    for (int x = 0; x < photo.width; ++x) {
      const int64_t row = int64_t{y} * photo.width;
      std::copy_n(photo.rgb.data() + 3 * (row + x), 3, mirrored.rgb.data() + 3 * (row + photo.width - 1 - x));
    }
  }
  return mirrored;
}

}  // namespace attend
