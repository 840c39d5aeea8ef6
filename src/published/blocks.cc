#include "published/blocks.h"

#include <cmath>

namespace attend {

Heads usual_heads(int64_t width, int heads) {
  return {heads, 1.0f / std::sqrt(static_cast<float>(width / heads))};
}

StoredLinear part_of(const WeightMatrix& weights, const std::vector<float>& bias, int64_t first,
                     int64_t count) {
  if (weights.rows() == 0) return {};
  if (bias.empty()) return {weights.slice(first, count), {}};
  const auto begin = bias.begin() + static_cast<std::ptrdiff_t>(first);
  return {weights.slice(first, count), {begin, begin + static_cast<std::ptrdiff_t>(count)}};
}

StoredAttention read_attention(WeightReader& reader, const AttentionNames& names,
                               const AttentionSizes& sizes) {
  return {.query = reader.linear(names.query, sizes.width, sizes.width, sizes.biased),
          .key = reader.linear(names.key, sizes.memory_width, sizes.width, sizes.biased),
          .value = reader.linear(names.value, sizes.memory_width, sizes.width, sizes.biased),
          .out = reader.linear(names.out, sizes.width, sizes.width),
          .heads = usual_heads(sizes.width, sizes.heads),
          .norm = reader.norm(names.norm, sizes.width, sizes.epsilon)};
}

StoredAttention read_fused_attention(WeightReader& reader, const FusedAttentionNames& names,
                                     const AttentionSizes& sizes) {
  const int64_t width = sizes.width;
  const WeightMatrix weights = reader.matrix(names.query_key_value + ".weight", 3 * width, width);
  const std::vector<float> bias =
      sizes.biased ? reader.vector(names.query_key_value + ".bias", {3 * width}) : std::vector<float>();
  return {.query = part_of(weights, bias, 0, width),
          .key = part_of(weights, bias, width, width),
          .value = part_of(weights, bias, 2 * width, width),
          .out = reader.linear(names.out, width, width),
          .heads = usual_heads(width, sizes.heads),
          .norm = reader.norm(names.norm, width, sizes.epsilon)};
}

StoredFeedForward read_feed_forward(WeightReader& reader, const FeedForwardNames& names,
                                    const FeedForwardSizes& sizes) {
  return {.up = reader.linear(names.up, sizes.width, sizes.hidden),
          .down = reader.linear(names.down, sizes.hidden, sizes.width),
          .activation = sizes.activation,
          .norm = reader.norm(names.norm, sizes.width, sizes.epsilon)};
}

}  // namespace attend
