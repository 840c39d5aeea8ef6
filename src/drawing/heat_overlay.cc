#include "drawing/heat_overlay.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numbers>

namespace attend {
namespace {

constexpr size_t kShades = 256;
constexpr double kColdLight = 0.4;     // what is left of a pixel that nobody looked at
constexpr double kColdColour = 0.35;   // ... and of its colour, so that what glows is heat
constexpr double kHottestTint = 0.55;  // how much of the hottest pixel is heat's colour

uint8_t to_srgb(double linear) {
  const double x = std::clamp(linear, 0.0, 1.0);
  const double encoded = x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
  return static_cast<uint8_t>(std::lround(255 * encoded));
}

/// Lightness in [0, 1], chroma, hue in turns.
std::array<uint8_t, 3> from_oklab(double lightness, double chroma, double hue) {
  const double a = chroma * std::cos(2 * std::numbers::pi * hue),
               b = chroma * std::sin(2 * std::numbers::pi * hue);
  const double l = std::pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
  const double m = std::pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
  const double s = std::pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
  return {to_srgb(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
          to_srgb(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
          to_srgb(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)};
}

}  // namespace

std::array<uint8_t, 3> heat_colour(double heat) {
  const double h = std::clamp(heat, 0.0, 1.0);
  const double hue = 0.82 + 0.46 * h;                                 // violet, red at 1.08, yellow at 1.28
  const double chroma = 0.08 + 0.1 * std::sin(std::numbers::pi * h);  // what sRGB can show at that lightness
  return from_oklab(0.2 + 0.75 * h, chroma, hue);
}

void overlay_heat(std::span<const float> map, double scale, Photo& photo) {
  assert(map.size() * 3 == photo.rgb.size());
  std::array<std::array<uint8_t, 3>, kShades> colours;
  for (size_t i = 0; i < kShades; ++i) colours[i] = heat_colour(static_cast<double>(i) / (kShades - 1));
  for (size_t p = 0; p < map.size(); ++p) {
    const double heat = map[p] > 0 ? std::min(static_cast<double>(map[p]) / scale, 1.0) : 0.0;
    const std::array<uint8_t, 3>& colour = colours[static_cast<size_t>(std::lround(heat * (kShades - 1)))];
    const double light = kColdLight + (1 - kColdLight) * heat, tint = kHottestTint * heat;
    const double own_colour = kColdColour + (1 - kColdColour) * heat;
    uint8_t* pixel = photo.rgb.data() + 3 * p;
    const double grey = 0.299 * pixel[0] + 0.587 * pixel[1] + 0.114 * pixel[2];
    for (size_t c = 0; c < 3; ++c) {
      const double seen = light * (grey + own_colour * (pixel[c] - grey));
      pixel[c] =
          static_cast<uint8_t>(std::clamp(std::lround((1 - tint) * seen + tint * colour[c]), 0L, 255L));
    }
  }
}

}  // namespace attend
