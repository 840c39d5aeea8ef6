// The views of a photo that training sees: the whole of it or a window, and each of these in a mirror.
#ifndef ATTEND_TRAINING_VIEWS_H_
#define ATTEND_TRAINING_VIEWS_H_

#include <cstdint>

#include "vision/photo.h"

namespace attend {

/// A part of a photo, in shares of its sides from the top left.
struct Window {
  double left = 0, top = 0, width = 1, height = 1;
};

/// Window `crop` of photo number `photo`, 0 being the whole. The others have sides of 7/10 to all of the
/// photo's, each drawn for itself, and lie anywhere in it; the mirror image has a window of its own.
Window window_of(int64_t photo, int crop, bool mirrored);

/// The pixels whose centres lie in the window; at least one.
Photo cut(const Photo& photo, const Window& window);

/// The same picture seen in a mirror: columns in reverse.
Photo mirror(const Photo& photo);

}  // namespace attend

#endif  // ATTEND_TRAINING_VIEWS_H_
