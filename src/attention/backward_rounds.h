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
      : queries_(n.Tq),
        keys_(n.Tk),
        query_blocks_(std::max<int64_t>(1, (n.Tq + kBackwardQueries - 1) / kBackwardQueries)),
        key_blocks_(std::max<int64_t>(1, (n.Tk + kBackwardKeys - 1) / kBackwardKeys)) {}

  /// Rounds; every block of queries and every block of keys has a number below it.
  int64_t count() const { return std::max(query_blocks_, key_blocks_); }

  /// Work items of a key/value head in each round.
  int64_t key_blocks() const { return key_blocks_; }

  /// What a key block does in a round; nothing where it meets no queries.
  std::optional<BackwardPair> pair(int64_t b, int64_t kv_head, int64_t key_block, int64_t round) const {
    const int64_t q = (key_block + round) % count();
    if (q >= query_blocks_) return std::nullopt;
    return BackwardPair{.b = b,
                        .kv_head = kv_head,
                        .query_block = q,
                        .key_block = key_block,
                        .first_for_queries = key_block == std::min(q, key_blocks_ - 1),
                        .first_for_keys = q == (key_block < query_blocks_ ? key_block : 0)};
  }

  /// The rows of a block; none past the last.
  Range queries(int64_t block) const { return rows(block, kBackwardQueries, queries_); }
  Range keys(int64_t block) const { return rows(block, kBackwardKeys, keys_); }

 private:
  static Range rows(int64_t block, int64_t size, int64_t count) {
    return {std::min(block * size, count), std::min((block + 1) * size, count)};
  }

  int64_t queries_, keys_, query_blocks_, key_blocks_;
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_BACKWARD_ROUNDS_H_
