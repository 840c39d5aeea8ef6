// In which order the blocks of queries and keys of a backward pass meet.
#ifndef ATTEND_ATTENTION_BACKWARD_ROUNDS_H_
#define ATTEND_ATTENTION_BACKWARD_ROUNDS_H_

#include <algorithm>
#include <cstdint>
#include <optional>

#include "attention/kernels.h"

namespace attend {

/// Pairs of query and key blocks, in rounds in which no block appears twice: in round r, key block k meets
/// query block k + r, modulo the number of blocks. So nothing is added to from two places at once, each
/// gradient is summed in an order that the shapes alone decide, and a round has as much to do at once as
/// there are heads and key blocks.
class BackwardRounds {
 public:
  explicit BackwardRounds(const Sizes& n)
      : kv_heads_(n.Hkv),
        query_blocks_(std::max<int64_t>(1, (n.Tq + kBackwardQueries - 1) / kBackwardQueries)),
        key_blocks_(std::max<int64_t>(1, (n.Tk + kBackwardKeys - 1) / kBackwardKeys)) {}

  int64_t count() const { return std::max(query_blocks_, key_blocks_); }

  /// Work items of a batch row in each round: a key/value head and a key block.
  int64_t items() const { return kv_heads_ * key_blocks_; }

  /// What the item of batch row b does in a round; nothing where its key block meets no queries.
  std::optional<BackwardPair> pair(int64_t b, int64_t item, int64_t round) const {
    const int64_t k = item % key_blocks_, q = (k + round) % count();
    if (q >= query_blocks_) return std::nullopt;
    return BackwardPair{.b = b,
                        .kv_head = item / key_blocks_,
                        .query_block = q,
                        .key_block = k,
                        .first_for_queries = k == std::min(q, key_blocks_ - 1),
                        .first_for_keys = q == (k < query_blocks_ ? k : 0)};
  }

 private:
  int64_t kv_heads_, query_blocks_, key_blocks_;
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_BACKWARD_ROUNDS_H_
