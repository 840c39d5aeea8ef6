// The inside of a KvCache: its memory, the block table and who holds which page.
#ifndef ATTEND_DECODE_KV_CACHE_STATE_H_
#define ATTEND_DECODE_KV_CACHE_STATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "attend/kv_cache.h"
#include "base/arena.h"
#include "decode/page_pool.h"

namespace attend {

struct [[gnu::visibility("hidden")]] KvCache::State {
  KvCacheOptions options;
  int64_t pages_per_sequence;
  size_t bytes;
  AlignedBytes memory;
  std::array<MutableTensorView, 4> tensors;  // key, value, key_scale, value_scale
  PagePool pool;
  std::vector<int32_t> table;    // [sequences, pages_per_sequence]; valid up to each length
  std::vector<int64_t> lengths;  // [sequences]
  /// [sequences], from make_room() on: the shared page that the sequence's own tail is a copy of, or -1.
  std::vector<int32_t> copied_tails;
  /// [pages], zeros but within pages_needed(): how many of a page's holders leave it.
  std::vector<int32_t> leaving;

  int32_t& page(int64_t sequence, int64_t index) {
    return table[static_cast<size_t>(sequence * pages_per_sequence + index)];
  }
  int64_t& length(int64_t sequence) {
    return lengths[static_cast<size_t>(sequence)];
  }
  int32_t& copied_tail(int64_t sequence) {
    return copied_tails[static_cast<size_t>(sequence)];
  }
  /// Pages that hold `tokens` tokens.
  int64_t pages_of(int64_t tokens) const {
    return (tokens + options.page_size - 1) / options.page_size;
  }

  bool has(int64_t sequence) const {
    return sequence >= 0 && sequence < options.sequences;
  }
  Status check_sequence(const char* argument, int64_t sequence) const;
  /// The page that the next token of `sequence` goes into, if it has tokens already and others hold it too.
  std::optional<int32_t> shared_tail(int64_t sequence);
  /// Fresh pages that an append would take.
  int64_t pages_needed(const KvTokens& tokens, const KvView& view);
  /// Gives `sequence` a tail page of its own and the pages for `count` more tokens.
  void make_room(int64_t sequence, int64_t count);
  /// Undoes make_room(), of all calls that were not undone yet the last.
  void take_back_room(int64_t sequence, int64_t count);
  void copy_page(int32_t from, int32_t to, int64_t tokens);
  void truncate(int64_t sequence, int64_t length);
};

/// Room for the tokens of an append, which fits: made at once, and taken back unless it is kept, so that an
/// append that fails leaves no trace.
class [[gnu::visibility("hidden")]] KvCache::Room {
 public:
  Room(State & state, const KvTokens& tokens, const KvView& cache);
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;
  ~Room();

  /// The sequences hold the tokens from now on.
  void keep();

 private:
  State& state_;
  const KvTokens& tokens_;
  const KvView cache_;
  bool kept_ = false;
};

}  // namespace attend

#endif  // ATTEND_DECODE_KV_CACHE_STATE_H_
