#include "captioner/photo_to_patches.h"

#include <vector>

namespace attend {

Photo to_square(const Photo& photo, const PhotoSquares& squares) {
  Photo stored = squash(photo, squares.squash_side);
  return squares.input_side == squares.squash_side ? stored : squash(stored, squares.input_side);
}

Result<Matrix<float>> photos_to_patches(std::span<const Photo> photos, const PhotoSquares& squares,
                                        CnnEncoder& encoder, Arena& arena) {
  std::vector<Photo> seen;
  seen.reserve(photos.size());
  for (const Photo& photo : photos) {
    ATTEND_RETURN_IF_ERROR(check_pixels(photo));
    seen.push_back(to_square(photo, squares));
  }
  const int64_t grid = squares.input_side / encoder.patch_side();
  const Matrix<float> patches =
      arena.matrix<float>(static_cast<int64_t>(photos.size()) * grid * grid, encoder.channels());
  if (!seen.empty()) ATTEND_RETURN_IF_ERROR(encoder.encode(seen, patches));
  return patches;
}

}  // namespace attend
