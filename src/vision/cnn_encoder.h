// Photographs in, patch features out: the convolutional encoder.
#ifndef ATTEND_VISION_CNN_ENCODER_H_
#define ATTEND_VISION_CNN_ENCODER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "attend/status.h"
#include "base/matrix.h"
#include "checkpoint/safetensors.h"
#include "vision/photo.h"

namespace attend {

/// An EfficientNet-Lite without its classifier, fully convolutional: a photo of H x W pixels gives a grid of
/// H/patch_side() x W/patch_side() patches, each a vector of channels() features in [0, 6].
///
/// Pixels enter as (x - 127) / 128; zeros are padded as TensorFlow's "SAME" does for the size at hand.
/// float32 throughout; weights stored as float16 are widened. Runs on OpenMP's threads. Memory for
/// activations is taken once for each new input size; the two sizes used last are kept. Safe to use from
/// several threads, which then take turns.
class CnnEncoder {
 public:
  /// Reads the tensors whose names begin with `prefix` (see vision/efficientnet_lite.h); `file` may go
  /// afterwards. Errors: kCorrupt or kNotFound naming the file and tensor, kUnsupported, kOutOfMemory.
  static Result<CnnEncoder> load(const Safetensors& file, const std::string& prefix = "encoder.");

  CnnEncoder(CnnEncoder&&) noexcept;
  CnnEncoder& operator=(CnnEncoder&&) noexcept;
  ~CnnEncoder();

  int64_t channels() const;
  /// Pixels a side of one patch: 32. Widths and heights must be multiples of it.
  int64_t patch_side() const;

  /// Features of `photo`, row by row of the grid: patches [H/patch_side() * W/patch_side(), channels()].
  /// Errors: kInvalidArgument naming the sizes that disagree, kOutOfMemory.
  Status encode(const Photo& photo, Matrix<float> patches);

  /// The same for several photos of one size at once: patches [photos * H/patch_side() * W/patch_side(),
  /// channels()], one photo after the other. The features are those that each photo would get alone.
  Status encode(std::span<const Photo> photos, Matrix<float> patches);

 private:
  struct Network;
  explicit CnnEncoder(std::unique_ptr<Network> network);
  std::unique_ptr<Network> network_;
};

}  // namespace attend

#endif  // ATTEND_VISION_CNN_ENCODER_H_
