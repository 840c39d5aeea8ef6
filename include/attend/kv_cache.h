// Keys and values of tokens already seen, kept so that each new token costs one row and not the whole text.
//
// Memory is cut into pages. A page holds `page_size` consecutive tokens of one sequence, for all key/value
// heads; a block table says, for each sequence, which pages hold tokens [0, page_size), [page_size,
// 2 page_size) and so on (Kwon et al. 2023, "PagedAttention"). A contiguous cache is the same thing with one
// page a sequence. There are two ways to use it:
//
//  * KvCache owns the memory and hands out pages itself. Sequences grow, are cut back (speculative tokens
//    that were refused), and share the pages of a common prefix.
//  * KvView describes memory and a block table that somebody else owns: an engine with its own allocator.
//    kv_append() writes new tokens there; KvCache is built on it.
//
// Storage is float32, bfloat16, float16 or int8; appending converts, rounding to nearest, ties to even. int8
// is symmetric with one float32 scale for each token and head, key and value apart: scale = max|x| / 127,
// stored number round(x / scale). Each x is off by at most max|x| / 253. A row whose largest magnitude is
// below 2^-100 becomes zeros; a row with a NaN or an infinity has no such scale, and becomes NaN as a whole.
//
// Axes are those of tensor.h. On an error nothing has been written, and the message names the argument, the
// axis and both numbers.
#ifndef ATTEND_KV_CACHE_H_
#define ATTEND_KV_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "attend/executor.h"
#include "attend/rope.h"
#include "attend/status.h"
#include "attend/tensor.h"

namespace attend {

/// Keys and values in pages, borrowed. View is TensorView to read, MutableTensorView to append.
template <class View>
struct BasicKvView {
  View key = {};          // [pages, Hkv, page_size, D]    rows contiguous, other strides free
  View value = {};        // [pages, Hkv, page_size, Dv]   of the key's type
  View key_scale = {};    // [pages, Hkv, page_size, 1]    float32; for int8, and absent otherwise
  View value_scale = {};  // [pages, Hkv, page_size, 1]

  /// [sequences, pages_per_sequence], row-major. Empty: sequence s is page s, a contiguous cache. Entries
  /// that no query can see (past the length, or left of a window) are not looked at.
  std::span<const int32_t> block_table = {};
  int64_t pages_per_sequence = 1;

  /// How many tokens each sequence holds: one number a sequence, at most pages_per_sequence * page_size.
  std::span<const int64_t> lengths = {};

  /// Which sequence each row of a batch is; empty: row b is sequence b.
  std::span<const int32_t> sequences = {};
};
using MutableKvView = BasicKvView<MutableTensorView>;

struct KvView : BasicKvView<TensorView> {
  KvView() = default;
  KvView(const MutableKvView& v)  // NOLINT(google-explicit-constructor)
      : BasicKvView<TensorView>{v.key,         v.value,       v.key_scale,
                                v.value_scale, v.block_table, v.pages_per_sequence,
                                v.lengths,     v.sequences} {}
};

/// New tokens for a batch of sequences. float32, bfloat16 or float16, key and value alike; any strides with a
/// contiguous last axis.
struct KvTokens {
  TensorView key = {};    // [B, Hkv, T, D]
  TensorView value = {};  // [B, Hkv, T, Dv]
  /// How many of the T tokens of each batch row are appended: empty (all), or B numbers in [0, T]. The rest
  /// is padding and is not read.
  std::span<const int64_t> counts = {};

  /// Turns the keys by their positions before they are stored (rope.h), in float32; absent: none. Then
  /// attention_decode() takes the same rope for its queries.
  Rope rope = {};

  /// Where the keys stand, for `rope` alone: B * T positions, row-major, or T that all batch rows share.
  /// Empty: where they are stored, lengths[s], lengths[s] + 1, ... Those of padding are not looked at.
  std::span<const int64_t> key_positions = {};
};

/// Writes the tokens of batch row b at positions lengths[s], lengths[s] + 1, ... of its sequence s. The
/// lengths are the caller's, who adds the counts to them afterwards. No sequence may appear twice in the
/// batch, and the pages that are written must belong to one sequence each. Errors: kInvalidArgument (shapes,
/// types, a page outside the cache, no room); kUnsupported (types).
Status kv_append(const KvTokens& tokens, const MutableKvView& cache, Executor& executor);

/// The size of a KvCache.
struct KvCacheOptions {
  int64_t sequences = 1;
  int64_t capacity = 0;  // tokens that one sequence can hold at most
  int64_t kv_heads = 0;
  int64_t key_width = 0;    // D    1..1024
  int64_t value_width = 0;  // Dv   1..1024
  DType dtype = DType::kFloat32;
  int64_t page_size = 0;  // tokens a page; 0: contiguous, one page of `capacity` tokens a sequence
  int64_t pages = 0;      // pages in all; 0: as many as fill every sequence to its capacity
};

/// A cache with its memory and its pages. Not safe for use from several threads at once; reading views while
/// nothing is appended is.
class KvCache {
 public:
  /// An empty cache. The memory is reserved at once, and the system supplies it as it is first written.
  /// Errors: kInvalidArgument for sizes, kUnsupported for a type, kOutOfMemory.
  static Result<KvCache> create(const KvCacheOptions& options);

  /// Appends the tokens of batch row b to sequence sequences[b] (empty: to sequence b), taking pages as
  /// needed. Pages shared with another sequence are copied before they are written to.
  /// Errors: as kv_append(), and kOutOfMemory when the free pages do not suffice. An append that fails, or
  /// whose executor throws, leaves the cache as it was.
  Status append(const KvTokens& tokens, Executor& executor, std::span<const int32_t> sequences = {});

  /// Forgets the tokens of a sequence from `length` on; its pages that become empty are free again.
  Status truncate(int64_t sequence, int64_t length);

  /// Makes `to`, whatever it held, the first `length` tokens of `from`, by reference: beams, and prompts with
  /// a common prefix. Costs no memory until one of the two grows inside a page that both hold.
  Status share(int64_t from, int64_t to, int64_t length);

  /// Empties every sequence.
  void reset();

  const KvCacheOptions& options() const;
  /// Tokens that a sequence holds; 0 for one that the cache does not have.
  int64_t length(int64_t sequence) const;
  int64_t free_pages() const;
  size_t bytes() const;

  /// What attention_decode() reads. Valid until the cache changes or moves; borrows `sequences` too.
  KvView view(std::span<const int32_t> sequences = {}) const;

  KvCache(KvCache&&) noexcept;
  KvCache& operator=(KvCache&&) noexcept;
  ~KvCache();

 private:
  struct State;
  class Room;
  explicit KvCache(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace attend

#endif  // ATTEND_KV_CACHE_H_
