// Attention as light and colour over a photo.
#ifndef ATTEND_DRAWING_HEAT_OVERLAY_H_
#define ATTEND_DRAWING_HEAT_OVERLAY_H_

#include <array>
#include <cstdint>
#include <span>

#include "vision/photo.h"

namespace attend {

/// sRGB for a heat in [0, 1] (clamped): from dark violet over red to light yellow. Lightness rises evenly, in
/// OKLab (Ottosson 2020), so that hotter is lighter in grey and to every kind of colour vision.
std::array<uint8_t, 3> heat_colour(double heat);

/// Darkens and pales the photo where the map is cold and tints it where it is hot; a weight of `scale` is the
/// hottest. `map` has one weight a pixel.
void overlay_heat(std::span<const float> map, double scale, Photo& photo);

}  // namespace attend

#endif  // ATTEND_DRAWING_HEAT_OVERLAY_H_
