// From a photo's pixels to the features of its patches.
#ifndef ATTEND_CAPTIONER_PHOTO_TO_PATCHES_H_
#define ATTEND_CAPTIONER_PHOTO_TO_PATCHES_H_

#include <span>

#include "attend/status.h"
#include "base/arena.h"
#include "vision/cnn_encoder.h"
#include "vision/photo.h"

namespace attend {

/// A photo is squashed to squash_side x squash_side, as the photographs that the model was trained on had
/// been, and the result is resampled to input_side x input_side, what the encoder sees. With equal sides, one
/// squash.
struct PhotoSquares {
  int squash_side = 224;
  int input_side = 288;
};

/// The square that the encoder sees.
Photo to_square(const Photo& photo, const PhotoSquares& squares);

/// The patch features of several photos, [photos * patches, encoder.channels()], in the arena. Errors: the
/// encoder's.
Result<Matrix<float>> photos_to_patches(std::span<const Photo> photos, const PhotoSquares& squares,
                                        CnnEncoder& encoder, Arena& arena);

}  // namespace attend

#endif  // ATTEND_CAPTIONER_PHOTO_TO_PATCHES_H_
