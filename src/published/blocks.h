// The parts of Transformer blocks, by the names that checkpoints keep them under.
#ifndef ATTEND_PUBLISHED_BLOCKS_H_
#define ATTEND_PUBLISHED_BLOCKS_H_

#include <string>

#include "nn/stored_block.h"
#include "published/weight_reader.h"

namespace attend {

/// Sizes that all attentions of a stack share.
struct AttentionSizes {
  int64_t width = 0;
  int64_t memory_width = 0;  // of what keys and values are made of
  int heads = 1;
  double epsilon = 1e-5;  // of the norms
  bool biased = true;     // query, key and value
  Rows rows = Rows::kFew,
       memory_rows = Rows::kFew;  // of what comes in, and of what keys and values are made of
};

struct AttentionNames {
  std::string query, key, value, out, norm;
};
StoredAttention read_attention(WeightReader& reader, const AttentionNames& names,
                               const AttentionSizes& sizes);

/// Query, key and value below each other in one tensor.
struct FusedAttentionNames {
  std::string query_key_value, out, norm;
};
StoredAttention read_fused_attention(WeightReader& reader, const FusedAttentionNames& names,
                                     const AttentionSizes& sizes);

struct FeedForwardNames {
  std::string up, down, norm;
};
struct FeedForwardSizes {
  int64_t width = 0, hidden = 0;
  Activation activation = Activation::kGelu;
  double epsilon = 1e-5;
  Rows rows = Rows::kFew;
};
StoredFeedForward read_feed_forward(WeightReader& reader, const FeedForwardNames& names,
                                    const FeedForwardSizes& sizes);

/// 1 / sqrt(width of a head).
Heads usual_heads(int64_t width, int heads);

}  // namespace attend

#endif  // ATTEND_PUBLISHED_BLOCKS_H_
