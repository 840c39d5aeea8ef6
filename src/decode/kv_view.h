// What a view of a cache, and new tokens beside it, say about a batch.
#ifndef ATTEND_DECODE_KV_VIEW_H_
#define ATTEND_DECODE_KV_VIEW_H_

#include <cstdint>

#include "attend/kv_cache.h"
#include "attention/rotation.h"

namespace attend {

/// Tokens that a sequence of the cache has room for.
inline int64_t capacity_of(const KvView& cache) {
  int64_t capacity = 0;
  return __builtin_mul_overflow(cache.pages_per_sequence, cache.key.shape[2], &capacity) ? INT64_MAX
                                                                                         : capacity;
}

/// How many rows a batch over this cache has.
inline int64_t batch_of(const KvView& cache) {
  return static_cast<int64_t>(cache.sequences.empty() ? cache.lengths.size() : cache.sequences.size());
}

/// Which sequence batch row b is.
inline int64_t sequence_of(const KvView& cache, int64_t b) {
  return cache.sequences.empty() ? b : cache.sequences[static_cast<size_t>(b)];
}

/// How many tokens batch row b holds.
inline int64_t length_of(const KvView& cache, int64_t b) {
  return cache.lengths[static_cast<size_t>(sequence_of(cache, b))];
}

/// How many tokens are appended to batch row b.
inline int64_t count_of(const KvTokens& tokens, int64_t b) {
  return tokens.counts.empty() ? tokens.key.shape[2] : tokens.counts[static_cast<size_t>(b)];
}

/// Whether any is, to any of the batch's rows.
inline bool has_tokens(const KvTokens& tokens, const KvView& cache) {
  for (int64_t b = 0; b < batch_of(cache); ++b) {
    if (count_of(tokens, b) > 0) return true;
  }
  return false;
}

/// Where new token t of batch row b stands for rope.
inline int64_t rope_position(const KvTokens& tokens, const KvView& cache, int64_t b, int64_t t) {
  if (tokens.key_positions.empty()) return length_of(cache, b) + t;
  return RowPositions(tokens.key_positions, tokens.key.shape[2]).at(b, t);
}

}  // namespace attend

#endif  // ATTEND_DECODE_KV_VIEW_H_
