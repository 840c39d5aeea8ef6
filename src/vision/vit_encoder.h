// Photographs in, patch features out: vision Transformers (Dosovitskiy et al. 2021, "An image is worth 16x16
// words") as BLIP, ViT and CLIP have them. One encoder: they differ in an additional norm, in the activation
// and in which tensors their checkpoints keep the weights.
#ifndef ATTEND_VISION_VIT_ENCODER_H_
#define ATTEND_VISION_VIT_ENCODER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/matrix.h"
#include "nn/layer_norm.h"
#include "nn/stored_block.h"

namespace attend {

struct VitWeights {
  int64_t image_side = 0, patch_side = 0;  // pixels
  StoredLinear patches;                    // [width, 3 * patch_side^2]: channels, then rows, then columns
  std::vector<float> class_token;          // [width]
  std::vector<float> positions;            // [tokens, width]
  std::optional<LayerNorm<float>> norm_in;
  std::vector<StoredBlock> blocks;  // pre-norm
  LayerNorm<float> norm_out{"norm_out", 1};
};

/// Immutable, and safe to share between threads.
class VitEncoder {
 public:
  explicit VitEncoder(VitWeights weights) : weights_(std::move(weights)) {}

  int64_t image_side() const { return weights_.image_side; }
  /// Patches a side.
  int64_t grid() const { return weights_.image_side / weights_.patch_side; }
  /// The class token, then the patches row by row.
  int64_t tokens() const { return 1 + grid() * grid(); }
  int64_t width() const { return weights_.patches.out(); }

  /// pixels [3, image_side, image_side], normalised -> [tokens, width], in the arena.
  Matrix<float> forward(std::span<const float> pixels, Pass& pass) const;

 private:
  VitWeights weights_;
};

}  // namespace attend

#endif  // ATTEND_VISION_VIT_ENCODER_H_
