#include "published/vit_weights.h"

#include <fmt/format.h>

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

AttentionSizes attention_sizes(const VisionConfig& config) {
  const StackConfig& stack = config.stack;
  return {stack.width, stack.width, stack.heads, stack.epsilon, config.biased, Rows::kMany, Rows::kMany};
}

FeedForwardSizes feed_forward_sizes(const VisionConfig& config) {
  const StackConfig& stack = config.stack;
  return {stack.width, stack.hidden, stack.activation, stack.epsilon, Rows::kMany};
}

}  // namespace

VitWeights read_blip_vision(WeightReader& reader, const VisionConfig& config) {
  const int64_t width = config.stack.width;
  const std::string root = "vision_model.";
  VitWeights weights = read_embeddings(reader, config,
                                       {.patches = root + "embeddings.patch_embedding",
                                        .biased = true,
                                        .class_token = root + "embeddings.class_embedding",
                                        .class_shape = {1, 1, width},
                                        .positions = root + "embeddings.position_embedding",
                                        .position_shape = {1, config.tokens(), width}});
  for (int i = 0; i < config.stack.layers; ++i) {
    const std::string layer = fmt::format("{}encoder.layers.{}.", root, i);
    weights.blocks.push_back(
        {NormPlacement::kPre,
         read_fused_attention(
             reader, {layer + "self_attn.qkv", layer + "self_attn.projection", layer + "layer_norm1"},
             attention_sizes(config)),
         std::nullopt,
         read_feed_forward(reader, {layer + "mlp.fc1", layer + "mlp.fc2", layer + "layer_norm2"},
                           feed_forward_sizes(config))});
  }
  weights.norm_out = reader.norm(root + "post_layernorm", width, config.stack.epsilon);
  return weights;
}

VitWeights read_vit(WeightReader& reader, const VisionConfig& config) {
  const int64_t width = config.stack.width;
  const std::string root = "encoder.";
  VitWeights weights = read_embeddings(reader, config,
                                       {.patches = root + "embeddings.patch_embeddings.projection",
                                        .biased = true,
                                        .class_token = root + "embeddings.cls_token",
                                        .class_shape = {1, 1, width},
                                        .positions = root + "embeddings.position_embeddings",
                                        .position_shape = {1, config.tokens(), width}});
  for (int i = 0; i < config.stack.layers; ++i) {
    const std::string layer = fmt::format("{}encoder.layer.{}.", root, i),
                      attention = layer + "attention.attention.";
    weights.blocks.push_back(
        {NormPlacement::kPre,
         read_attention(reader,
                        {attention + "query", attention + "key", attention + "value",
                         layer + "attention.output.dense", layer + "layernorm_before"},
                        attention_sizes(config)),
         std::nullopt,
         read_feed_forward(reader,
                           {layer + "intermediate.dense", layer + "output.dense", layer + "layernorm_after"},
                           feed_forward_sizes(config))});
  }
  weights.norm_out = reader.norm(root + "layernorm", width, config.stack.epsilon);
  return weights;
}

VitWeights read_git_vision(WeightReader& reader, const VisionConfig& config) {
  const int64_t width = config.stack.width;
  const std::string root = "git.image_encoder.vision_model.";
  VitWeights weights = read_embeddings(reader, config,
                                       {.patches = root + "embeddings.patch_embedding",
                                        .biased = false,
                                        .class_token = root + "embeddings.class_embedding",
                                        .class_shape = {width},
                                        .positions = root + "embeddings.position_embedding.weight",
                                        .position_shape = {config.tokens(), width}});
  weights.norm_in = reader.norm(root + "pre_layrnorm", width, config.stack.epsilon);
  for (int i = 0; i < config.stack.layers; ++i) {
    const std::string layer = fmt::format("{}encoder.layers.{}.", root, i), attention = layer + "self_attn.";
    weights.blocks.push_back(
        {NormPlacement::kPre,
         read_attention(reader,
                        {attention + "q_proj", attention + "k_proj", attention + "v_proj",
                         attention + "out_proj", layer + "layer_norm1"},
                        attention_sizes(config)),
         std::nullopt,
         read_feed_forward(reader, {layer + "mlp.fc1", layer + "mlp.fc2", layer + "layer_norm2"},
                           feed_forward_sizes(config))});
  }
  weights.norm_out = reader.norm(root + "post_layernorm", width, config.stack.epsilon);
  return weights;
}

}  // namespace attend
