#include "published/blocks.h"

#include <cmath>

namespace attend {

Heads usual_heads(int64_t width, int heads) {
  return {heads, 1.0f / std::sqrt(static_cast<float>(width / heads))};
}

StoredLinear SharedTensor::part(int64_t first, int64_t count, Rows rows) const {
  if (weights.rows() == 0) return {};
  if (bias.empty()) return {weights.slice(first, count), {}, rows};
  const auto begin = bias.begin() + static_cast<std::ptrdiff_t>(first);
  return {weights.slice(first, count), {begin, begin + static_cast<std::ptrdiff_t>(count)}, rows};
}

StoredAttention read_attention(WeightReader& reader, const AttentionNames& names,
                               const AttentionSizes& sizes) {
  const LayerForm memory = {sizes.memory_width, sizes.width, sizes.memory_rows, sizes.biased};
  return {.query = reader.linear(names.query, {sizes.width, sizes.width, sizes.rows, sizes.biased}),
          .key = reader.linear(names.key, memory),
          .value = reader.linear(names.value, memory),
          .out = reader.linear(names.out, {sizes.width, sizes.width, sizes.rows}),
          .heads = usual_heads(sizes.width, sizes.heads),
          .norm = reader.norm(names.norm, sizes.width, sizes.epsilon)};
}

StoredAttention read_fused_attention(WeightReader& reader, const FusedAttentionNames& names,
                                     const AttentionSizes& sizes) {
  const int64_t width = sizes.width;
  const std::string& name = names.query_key_value;
  const SharedTensor shared = {
      reader.matrix(name + ".weight", 3 * width, width),
      sizes.biased ? reader.vector(name + ".bias", {3 * width}) : std::vector<float>()};
  StoredAttention attention = {.query = shared.part(0, width, sizes.rows),
                               .key = shared.part(width, width, sizes.rows),
                               .value = shared.part(2 * width, width, sizes.rows),
                               .out = reader.linear(names.out, {width, width, sizes.rows}),
                               .heads = usual_heads(width, sizes.heads),
                               .norm = reader.norm(names.norm, width, sizes.epsilon)};
  if (attention.query.packed()) reader.release(name + ".weight");
  return attention;
}

StoredFeedForward read_feed_forward(WeightReader& reader, const FeedForwardNames& names,
                                    const FeedForwardSizes& sizes) {
  return {.up = reader.linear(names.up, {sizes.width, sizes.hidden, sizes.rows}),
          .down = reader.linear(names.down, {sizes.hidden, sizes.width, sizes.rows}),
          .activation = sizes.activation,
          .norm = reader.norm(names.norm, sizes.width, sizes.epsilon)};
}

}  // namespace attend
