// Resampling pixels: Pillow's arithmetic, since that is what published models saw their photographs through.
#ifndef ATTEND_VISION_RESIZE_H_
#define ATTEND_VISION_RESIZE_H_

#include "vision/photo.h"

namespace attend {

enum class ResizeFilter {
  kBilinear,  // a triangle of one pixel to each side
  kBicubic,   // the cubic convolution of Keys (1981) with a = -0.5
};

/// `photo` at width x height, both at least 1, by a filter that is stretched over more pixels when shrinking
/// (antialiased). Separable: rows first, then columns, each pass in 22-bit fixed point and rounded to 8 bits.
/// Equal to the bit to Pillow's Image.resize(size, BILINEAR or BICUBIC), but that Pillow 13 and later take
/// the columns first where the width grows and the height shrinks.
Photo resize(const Photo& photo, int width, int height, ResizeFilter filter);

/// A part of a resized photo: `left` and `top` are its first pixels, all of it inside.
struct ResizedPart {
  int whole_width, whole_height;  // of what the photo is resized to
  int left, top, width, height;   // each of the latter at least 1
};
/// What resize() and a crop would give, without making the rest.
Photo resize_part(const Photo& photo, const ResizedPart& part, ResizeFilter filter);
Photo resize_bicubic(const Photo& photo, int width, int height);

}  // namespace attend

#endif  // ATTEND_VISION_RESIZE_H_
