#include "published/vit_weights.h"

#include <fmt/format.h>

#include <optional>
#include <utility>
#include <variant>

#include "published/blocks.h"

namespace attend {
namespace {

/// What all three have in common. The patches are a convolution that steps by its own width.
struct Embeddings {
  std::string patches;
  bool biased;
  std::string class_token;
  std::vector<int64_t> class_shape;
  std::string positions;
  std::vector<int64_t> position_shape;
};

VitWeights read_embeddings(WeightReader& reader, const VisionConfig& config, const Embeddings& names) {
  const int64_t width = config.stack.width, side = config.patch_side;
  VitWeights weights;
  weights.image_side = config.image_side;
  weights.patch_side = side;
  weights.patches = reader.linear(names.patches, {.in = 3 * side * side,
                                                  .out = width,
                                                  .rows = Rows::kMany,
                                                  .biased = names.biased,
                                                  .shape = {width, 3, side, side}});
  weights.class_token = reader.vector(names.class_token, names.class_shape);
  weights.positions = reader.vector(names.positions, names.position_shape);
  return weights;
}

/// What a layer's parts are called behind the layer's own name.
struct StackNames {
  Embeddings embeddings;
  std::string norm_in = {};  // empty: there is none
  std::string layers;        // a layer is this and its number
  std::variant<AttentionNames, FusedAttentionNames> attention;
  FeedForwardNames feed_forward;
  std::string norm_out;
};

StoredAttention read_self_attention(WeightReader& reader, const std::string& layer, const AttentionNames& of,
                                    const AttentionSizes& sizes) {
  return read_attention(
      reader, {layer + of.query, layer + of.key, layer + of.value, layer + of.out, layer + of.norm}, sizes);
}
StoredAttention read_self_attention(WeightReader& reader, const std::string& layer,
                                    const FusedAttentionNames& of, const AttentionSizes& sizes) {
  return read_fused_attention(reader, {layer + of.query_key_value, layer + of.out, layer + of.norm}, sizes);
}

VitWeights read_stack(WeightReader& reader, const VisionConfig& config, const StackNames& names) {
  const StackConfig& stack = config.stack;
  const AttentionSizes attention = {stack.width,   stack.width, stack.heads, stack.epsilon,
                                    config.biased, Rows::kMany, Rows::kMany};
  const FeedForwardSizes feed_forward = {stack.width, stack.hidden, stack.activation, stack.epsilon,
                                         Rows::kMany};
  VitWeights weights = read_embeddings(reader, config, names.embeddings);
  if (!names.norm_in.empty()) weights.norm_in = reader.norm(names.norm_in, stack.width, stack.epsilon);
  for (int i = 0; i < stack.layers; ++i) {
    const std::string layer = fmt::format("{}{}.", names.layers, i);
    StoredAttention self = std::visit(
        [&](const auto& of) { return read_self_attention(reader, layer, of, attention); }, names.attention);
    const FeedForwardNames& of = names.feed_forward;
    weights.blocks.push_back(
        {NormPlacement::kPre, std::move(self), std::nullopt,
         read_feed_forward(reader, {layer + of.up, layer + of.down, layer + of.norm}, feed_forward)});
  }
  weights.norm_out = reader.norm(names.norm_out, stack.width, stack.epsilon);
  return weights;
}

}  // namespace

VitWeights read_blip_vision(WeightReader& reader, const VisionConfig& config) {
  const std::string root = "vision_model.";
  return read_stack(reader, config,
                    {.embeddings = {.patches = root + "embeddings.patch_embedding",
                                    .biased = true,
                                    .class_token = root + "embeddings.class_embedding",
                                    .class_shape = {1, 1, config.stack.width},
                                    .positions = root + "embeddings.position_embedding",
                                    .position_shape = {1, config.tokens(), config.stack.width}},
                     .layers = root + "encoder.layers.",
                     .attention = FusedAttentionNames{"self_attn.qkv", "self_attn.projection", "layer_norm1"},
                     .feed_forward = {"mlp.fc1", "mlp.fc2", "layer_norm2"},
                     .norm_out = root + "post_layernorm"});
}

VitWeights read_vit(WeightReader& reader, const VisionConfig& config) {
  const std::string root = "encoder.";
  return read_stack(
      reader, config,
      {.embeddings = {.patches = root + "embeddings.patch_embeddings.projection",
                      .biased = true,
                      .class_token = root + "embeddings.cls_token",
                      .class_shape = {1, 1, config.stack.width},
                      .positions = root + "embeddings.position_embeddings",
                      .position_shape = {1, config.tokens(), config.stack.width}},
       .layers = root + "encoder.layer.",
       .attention = AttentionNames{"attention.attention.query", "attention.attention.key",
                                   "attention.attention.value", "attention.output.dense", "layernorm_before"},
       .feed_forward = {"intermediate.dense", "output.dense", "layernorm_after"},
       .norm_out = root + "layernorm"});
}

VitWeights read_git_vision(WeightReader& reader, const VisionConfig& config) {
  const std::string root = "git.image_encoder.vision_model.";
  return read_stack(reader, config,
                    {.embeddings = {.patches = root + "embeddings.patch_embedding",
                                    .biased = false,
                                    .class_token = root + "embeddings.class_embedding",
                                    .class_shape = {config.stack.width},
                                    .positions = root + "embeddings.position_embedding.weight",
                                    .position_shape = {config.tokens(), config.stack.width}},
                     .norm_in = root + "pre_layrnorm",
                     .layers = root + "encoder.layers.",
                     .attention = AttentionNames{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj",
                                                 "self_attn.out_proj", "layer_norm1"},
                     .feed_forward = {"mlp.fc1", "mlp.fc2", "layer_norm2"},
                     .norm_out = root + "post_layernorm"});
}

}  // namespace attend
