#include "published/blocks.h"

#include <cmath>
#include <utility>

namespace attend {

Heads usual_heads(int64_t width, int heads) {
  const int64_t head_width = width / heads;
  return {heads, 1.0f / std::sqrt(static_cast<float>(head_width))};
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
  std::vector<StoredLinear> fused =
      reader.linears(names.query_key_value, {width, width, sizes.rows, sizes.biased}, 3);
  return {.query = std::move(fused[0]),
          .key = std::move(fused[1]),
          .value = std::move(fused[2]),
          .out = reader.linear(names.out, {width, width, sizes.rows}),
          .heads = usual_heads(width, sizes.heads),
          .norm = reader.norm(names.norm, width, sizes.epsilon)};
}

StoredFeedForward read_feed_forward(WeightReader& reader, const FeedForwardNames& names,
                                    const FeedForwardSizes& sizes) {
  return {.up = reader.linear(names.up, {sizes.width, sizes.hidden, sizes.rows}),
          .down = reader.linear(names.down, {sizes.hidden, sizes.width, sizes.rows}),
          .activation = sizes.activation,
          .norm = reader.norm(names.norm, sizes.width, sizes.epsilon)};
}

}  // namespace attend
