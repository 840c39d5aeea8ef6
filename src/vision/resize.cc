#include "vision/resize.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

namespace attend {
namespace {

/// 8 bits of pixel, 2 bits of headroom for the filter's overshoot and the rest for the weights, in a signed
/// 32-bit sum.
constexpr int kFractionBits = 32 - 8 - 2;
constexpr int32_t kHalf = 1 << (kFractionBits - 1);

/// Keys' kernel with a = -0.5; zero from |x| = 2 on.
double cubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

double triangle(double x) {
  return std::max(1.0 - std::abs(x), 0.0);
}

struct Kernel {
  double (*weight)(double x);
  double support;  // zero from there on
};

Kernel kernel_of(ResizeFilter filter) {
  return filter == ResizeFilter::kBilinear ? Kernel{triangle, 1.0} : Kernel{cubic, 2.0};
}

/// The input pixels that one output pixel is the weighted sum of.
struct Taps {
  int first;
  std::vector<int32_t> weights;  // fixed point; they add up to 1, up to rounding
};

/// A run of output pixels out of all that `input` pixels become.
struct Axis {
  int input, output;
  int first, count;

  bool is_untouched() const { return input == output && count == output; }
};

std::vector<Taps> taps_of(const Kernel& kernel, const Axis& axis) {
  const int input = axis.input;
  const double scale = static_cast<double>(input) / axis.output;
  const double stretch = std::max(scale, 1.0), support = kernel.support * stretch;
  std::vector<Taps> all(static_cast<size_t>(axis.count));
  std::vector<double> weights;
  for (int i = 0; i < axis.count; ++i) {
    const double centre = (axis.first + i + 0.5) * scale;
    const int first = std::max(static_cast<int>(std::floor(centre - support + 0.5)), 0);
    const int last = std::min(static_cast<int>(std::floor(centre + support + 0.5)), input);
    weights.clear();
    double sum = 0.0;
    for (int j = first; j < last; ++j) {
      weights.push_back(kernel.weight((j - centre + 0.5) * (1.0 / stretch)));
      sum += weights.back();
    }
    Taps& taps = all[static_cast<size_t>(i)];
    taps.first = first;
    for (const double weight : weights) {
      const double fixed = weight * (1.0 / sum) * (1 << kFractionBits);
      taps.weights.push_back(static_cast<int32_t>(fixed + std::copysign(0.5, fixed)));  // to nearest
    }
  }
  return all;
}

uint8_t to_pixel(int32_t sum) {
  return static_cast<uint8_t>(std::clamp(sum >> kFractionBits, 0, 255));
}

Photo blank(int width, int height) {
  return {width, height, std::vector<uint8_t>(3 * static_cast<size_t>(width) * static_cast<size_t>(height))};
}

Photo resize_rows(const Photo& photo, const Axis& across, const Kernel& kernel) {
  const std::vector<Taps> taps = taps_of(kernel, across);
  Photo result = blank(across.count, photo.height);
  uint8_t* out = result.rgb.data();
  for (int y = 0; y < photo.height; ++y) {
    const uint8_t* row = photo.rgb.data() + 3 * static_cast<size_t>(y) * static_cast<size_t>(photo.width);
    for (const Taps& t : taps) {
      const uint8_t* in = row + 3 * static_cast<size_t>(t.first);
      int32_t red = kHalf, green = kHalf, blue = kHalf;
      for (const int32_t weight : t.weights) {
        red += weight * in[0];
        green += weight * in[1];
        blue += weight * in[2];
        in += 3;
      }
      out[0] = to_pixel(red);
      out[1] = to_pixel(green);
      out[2] = to_pixel(blue);
      out += 3;
    }
  }
  return result;
}

Photo resize_columns(const Photo& photo, const Axis& down, const Kernel& kernel) {
  const std::vector<Taps> taps = taps_of(kernel, down);
  Photo result = blank(photo.width, down.count);
  const size_t row_bytes = 3 * static_cast<size_t>(photo.width);
  std::vector<int32_t> sums(row_bytes);
  uint8_t* out = result.rgb.data();
  for (const Taps& t : taps) {
    std::fill(sums.begin(), sums.end(), kHalf);
    const uint8_t* in = photo.rgb.data() + static_cast<size_t>(t.first) * row_bytes;
    for (const int32_t weight : t.weights) {
      for (size_t i = 0; i < row_bytes; ++i) sums[i] += weight * in[i];
      in += row_bytes;
    }
    out = std::transform(sums.begin(), sums.end(), out, to_pixel);
  }
  return result;
}

}  // namespace

Photo resize(const Photo& photo, int width, int height, ResizeFilter filter) {
  return resize_part(photo, {width, height, 0, 0, width, height}, filter);
}

Photo resize_part(const Photo& photo, const ResizedPart& part, ResizeFilter filter) {
  assert(photo.width > 0 && photo.height > 0 && part.width > 0 && part.height > 0);
  assert(part.left >= 0 && part.left + part.width <= part.whole_width);
  assert(part.top >= 0 && part.top + part.height <= part.whole_height);
  const Kernel kernel = kernel_of(filter);
  const Axis across = {photo.width, part.whole_width, part.left, part.width};
  const Axis down = {photo.height, part.whole_height, part.top, part.height};
  if (across.is_untouched()) return down.is_untouched() ? photo : resize_columns(photo, down, kernel);
  Photo rows = resize_rows(photo, across, kernel);
  return down.is_untouched() ? std::move(rows) : resize_columns(rows, down, kernel);
}

Photo resize_bicubic(const Photo& photo, int width, int height) {
  return resize(photo, width, height, ResizeFilter::kBicubic);
}

}  // namespace attend
