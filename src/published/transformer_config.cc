#include "published/transformer_config.h"

#include <fmt/format.h>

#include "attention/sizes.h"

namespace attend {
namespace {

constexpr int64_t kMostImageSide = 4096;

/// One number, or two that are equal.
int64_t read_side(const ConfigFields& fields, const char* key, int64_t most, int64_t otherwise) {
  const std::vector<int64_t> sides = fields.integers(key, 1, most);
  if (sides.empty() && fields.has(key)) fields.complain_of(key, "holds no number");
  if (sides.empty()) return otherwise;
  if (sides.size() > 2 || sides.front() != sides.back()) fields.complain_of(key, "is not a square");
  return sides.front();
}

}  // namespace

Activation read_activation(const ConfigFields& fields, const char* key, const char* otherwise) {
  const std::string name = fields.text(key, otherwise);
  const std::optional<Activation> activation = activation_named(name);
  if (!activation) {
    fields.complain_of(
        key, fmt::format("is \"{:.40}\", which is none of gelu, gelu_new, quick_gelu and relu", name));
  }
  return activation.value_or(Activation::kGelu);
}

void check_heads(const ConfigFields& fields, const char* key, int64_t width, int64_t heads) {
  if (width % heads == 0 && width / heads <= kWidestRow) return;
  fields.complain_of(
      key, fmt::format("is {}, which does not part the width {} into equal heads of at most {}", heads, width,
                       kWidestRow));
}

StackConfig read_stack(const ConfigFields& fields, const StackConfig& defaults, const char* activation) {
  StackConfig stack;
  stack.width = fields.integer("hidden_size", 1, kMostWidth, defaults.width);
  stack.hidden = fields.integer("intermediate_size", 1, kMostHidden, defaults.hidden);
  stack.layers = static_cast<int>(fields.integer("num_hidden_layers", 1, kMostLayers, defaults.layers));
  stack.heads = static_cast<int>(fields.integer("num_attention_heads", 1, kMostHeads, defaults.heads));
  stack.epsilon = fields.number("layer_norm_eps", 0, 1, defaults.epsilon);
  stack.activation = read_activation(fields, "hidden_act", activation);
  check_heads(fields, "num_attention_heads", stack.width, stack.heads);
  return stack;
}

VisionConfig read_vision(const ConfigFields& fields, const VisionConfig& defaults, const char* activation) {
  VisionConfig vision;
  vision.stack = read_stack(fields, defaults.stack, activation);
  vision.image_side = read_side(fields, "image_size", kMostImageSide, defaults.image_side);
  vision.patch_side = read_side(fields, "patch_size", vision.image_side, defaults.patch_side);
  vision.biased = defaults.biased;
  fields.integer("num_channels", 3, 3, 3);
  if (vision.tokens() > kMostPositions)
    fields.complain_of("patch_size", "cuts the image into too many patches");
  return vision;
}

}  // namespace attend
