#include "captioner/attention_map.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

namespace attend {
namespace {

/// The four patches of an axis that a point takes from, and how much of each.
struct Taps {
  std::array<int, 4> index;
  std::array<float, 4> weight;
};

/// The uniform cubic B-spline at the middle of output point `i` of `points`, over `grid` patches.
Taps taps_at(int i, int points, int grid) {
  const double position = (i + 0.5) * grid / points - 0.5;
  const double whole = std::floor(position);
  const double t = position - whole, u = 1 - t;
  Taps taps;
  for (int k = 0; k < 4; ++k) {
    taps.index[static_cast<size_t>(k)] = std::clamp(static_cast<int>(whole) - 1 + k, 0, grid - 1);
  }
  taps.weight = {static_cast<float>(u * u * u / 6), static_cast<float>((3 * t * t * t - 6 * t * t + 4) / 6),
                 static_cast<float>((3 * u * u * u - 6 * u * u + 4) / 6), static_cast<float>(t * t * t / 6)};
  return taps;
}

}  // namespace

std::vector<float> upsample_map(std::span<const float> map, int grid, int width, int height) {
  assert(static_cast<int64_t>(map.size()) == int64_t{grid} * grid);
  const size_t columns = static_cast<size_t>(width);
  std::vector<float> wide(static_cast<size_t>(grid) * columns);  // [grid, width]
  for (int x = 0; x < width; ++x) {
    const Taps taps = taps_at(x, width, grid);
    for (size_t row = 0; row < static_cast<size_t>(grid); ++row) {
      float sum = 0;
      for (size_t k = 0; k < 4; ++k) {
        sum += taps.weight[k] * map[row * static_cast<size_t>(grid) + static_cast<size_t>(taps.index[k])];
      }
      wide[row * columns + static_cast<size_t>(x)] = sum;
    }
  }
  std::vector<float> full(static_cast<size_t>(height) * columns);  // [height, width]
  for (int y = 0; y < height; ++y) {
    const Taps taps = taps_at(y, height, grid);
    float* row = full.data() + static_cast<size_t>(y) * columns;
    for (size_t k = 0; k < 4; ++k) {
      const float* from = wide.data() + static_cast<size_t>(taps.index[k]) * columns;
      for (size_t x = 0; x < columns; ++x) row[x] += taps.weight[k] * from[x];
    }
  }
  return full;
}

double spread(std::span<const float> map) {
  double total = 0;
  for (const float w : map) total += w;
  if (!(total > 0)) return 0;
  double entropy = 0;
  for (const float w : map) {
    if (w > 0) entropy -= w / total * std::log(w / total);
  }
  return std::exp(entropy) / static_cast<double>(map.size());
}

bool is_diffuse(std::span<const float> map) {
  return spread(map) >= kDiffuseSpread;
}

double colour_scale(const Caption& caption) {
  // At four points a patch, the spline's own maximum is met to within a few percent.
  const int side = 4 * caption.grid;
  double most = 4.0 / (static_cast<double>(caption.grid) * caption.grid);
  for (const CaptionWord& word : caption.words) {
    const std::vector<float> fine = upsample_map(word.attention, caption.grid, side, side);
    most = std::max(most, static_cast<double>(*std::ranges::max_element(fine)));
  }
  return most;
}

}  // namespace attend
