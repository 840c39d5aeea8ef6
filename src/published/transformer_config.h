// The sizes of a Transformer as config.json gives them, checked before anything is read by them.
#ifndef ATTEND_PUBLISHED_TRANSFORMER_CONFIG_H_
#define ATTEND_PUBLISHED_TRANSFORMER_CONFIG_H_

#include <cstdint>

#include "nn/activation.h"
#include "published/config_file.h"

namespace attend {

struct StackConfig {
  int64_t width = 0, hidden = 0;
  int layers = 0, heads = 0;
  Activation activation = Activation::kGelu;
  double epsilon = 1e-5;
};

/// hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, hidden_act and layer_norm_eps,
/// with the defaults given. Complains of heads that do not divide the width and of activations that are not
/// known here.
StackConfig read_stack(const ConfigFields& fields, const StackConfig& defaults, const char* activation);

struct VisionConfig {
  StackConfig stack;
  int64_t image_side = 0, patch_side = 0;
  bool biased = true;  // query, key and value
  int64_t tokens() const { return 1 + (image_side / patch_side) * (image_side / patch_side); }
};

/// image_size, patch_size and num_channels besides. Complains of what is not square.
VisionConfig read_vision(const ConfigFields& fields, const VisionConfig& defaults, const char* activation);

/// Bounds far above any captioner for CPUs, and small enough that their products fit 64 bits.
inline constexpr int64_t kMostWidth = 16384, kMostHidden = 131072, kMostHeads = 256, kMostLayers = 128;
inline constexpr int64_t kMostTokens = int64_t{1} << 21, kMostPositions = int64_t{1} << 20;

Activation read_activation(const ConfigFields& fields, const char* key, const char* otherwise);
void check_heads(const ConfigFields& fields, const char* key, int64_t width, int64_t heads);

}  // namespace attend

#endif  // ATTEND_PUBLISHED_TRANSFORMER_CONFIG_H_
