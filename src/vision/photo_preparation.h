// From a photo's pixels to the numbers that a published model was trained on, by its image processor's
// settings.
#ifndef ATTEND_VISION_PHOTO_PREPARATION_H_
#define ATTEND_VISION_PHOTO_PREPARATION_H_

#include <array>
#include <optional>
#include <vector>

#include "vision/photo.h"
#include "vision/resize.h"

namespace attend {

/// Each step is done if it is there, in this order; arithmetic and rounding are Pillow's and NumPy's, as the
/// processors' own Pillow path has them.
struct PhotoPreparation {
  struct Size {
    int width = 0, height = 0;
    bool operator==(const Size&) const = default;
  };
  std::optional<Size> squash;        // to this size, whatever the proportions; or
  std::optional<int> shortest_side;  // to this, keeping the proportions; neither: as it is
  ResizeFilter filter = ResizeFilter::kBicubic;
  std::optional<Size> crop;                             // the middle
  std::optional<double> rescale;                        // bytes times this
  std::optional<std::array<float, 3>> mean, deviation;  // red, green, blue: (x - mean) / deviation

  /// What the photo becomes: its size, before and after the crop.
  Size resized(int width, int height) const;
  Size prepared(int width, int height) const;
};

/// A part of a photo in shares of its sides, from the top left.
struct PhotoArea {
  double left = 0, top = 0, right = 1, bottom = 1;
  bool operator==(const PhotoArea&) const = default;
};

/// The part of a photo of these sides that is left after the crop.
PhotoArea area_seen(const PhotoPreparation& preparation, int width, int height);

/// [3, height, width] of prepared(). The crop must fit what is cut.
std::vector<float> prepare(const Photo& photo, const PhotoPreparation& preparation);

}  // namespace attend

#endif  // ATTEND_VISION_PHOTO_PREPARATION_H_
