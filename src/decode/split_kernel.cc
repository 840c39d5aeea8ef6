// Attention of a few query rows over one split of a cache: one pass over its keys and values.
//
// A tile of keys at a time, at multiples of the tile size on the key axis: scores of all rows, softmax,
// values of all rows. Rows go through the loops in blocks of four that share each widened vector; the tile is
// in the nearest cache after the first block.
#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "decode/split_kernel.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <algorithm>

#include "attention/panel.h"
#include "attention/row_softmax-inl.h"
#include "attention/score_rule-inl.h"
#include "decode/float_rows.h"
#include "decode/paged_rows.h"
#include "decode/split_kernel.h"
#include "decode/tile_scores-inl.h"
#include "decode/values-inl.h"
#include "hwy/highway.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// The keys [first, end) of a tile that begins at `base` on the key axis.
struct SplitTile {
  int64_t base;
  int first, end;

  static SplitTile at(int64_t base, const KeyRange& keys) {
    return {base, static_cast<int>(std::max(keys.first - base, int64_t{0})),
            static_cast<int>(std::clamp<int64_t>(keys.end - base, 0, kDecodeTile))};
  }
  bool empty() const { return first >= end; }
};

/// Rows of a tile as pointers, before its first and after its last key repeated: loops over groups of keys
/// need not know where a tile ends.
template <class T>
struct TileRows {
  const T* rows[kDecodeTile];
  void gather(const PagedRows& from, const SplitTile& tile) {
    if (tile.empty()) return;
    from.gather(tile.base + tile.first, tile.end - tile.first, rows + tile.first);
    std::fill(rows, rows + tile.first, rows[tile.first]);
    std::fill(rows + tile.end, rows + kDecodeTile, rows[tile.end - 1]);
  }
};

template <class T>
class SplitPass {
 public:
  SplitPass(const DecodeProblem& p, const Pass& pass, const KeyRange& keys, float* scratch,
            const PartialRows& state)
      : p_(p),
        pass_(pass),
        split_(keys),
        state_(state),
        mask_(p.tensors, p.options, pass.b),
        keys_(p.tensors.cache.key, p.tensors.cache, sequence_of(p.tensors.cache, pass.b), pass.kv_head),
        values_(p.tensors.cache.value, p.tensors.cache, sequence_of(p.tensors.cache, pass.b), pass.kv_head),
        key_vectors_(p.sizes.D),
        value_vectors_(p.sizes.Dv),
        queries_(scratch),
        scores_(scratch + p.pass_rows() * padded_width(p.sizes.D)) {}

  void run() {
    load_queries();
    int64_t base = split_.first / kDecodeTile * kDecodeTile;
    key_rows_[0].gather(keys_, SplitTile::at(base, split_));
    for (int parity = 0; base < split_.end; base += kDecodeTile, parity ^= 1) {
      key_rows_[parity ^ 1].gather(keys_, SplitTile::at(base + kDecodeTile, split_));
      run_tile(base, key_rows_[parity], key_rows_[parity ^ 1]);
    }
    float planes[kWidest];
    for (int r = 0; r < pass_.rows; ++r) value_vectors_.restore(state_.out(r), planes);
  }

 private:
  /// Calls body(integral constant of R, first row) for each block of rows.
  template <class Body>
  HWY_INLINE void for_each_block(const Body& body) {
    int r = 0;
    for (; r + kRowBlock <= pass_.rows; r += kRowBlock) body(std::integral_constant<int, kRowBlock>(), r);
    if (pass_.rows - r == 3) body(std::integral_constant<int, 3>(), r);
    if (pass_.rows - r == 2) body(std::integral_constant<int, 2>(), r);
    if (pass_.rows - r == 1) body(std::integral_constant<int, 1>(), r);
  }

  float* block_queries(int r) const { return queries_ + r * padded_width(p_.sizes.D); }

  /// Block by block; within a block vector v of row r at v * R + r.
  void load_queries() {
    const float factor = query_factor(p_.scale, rule_of(p_, pass_.b, 0));
    for_each_block([&](auto rows, int first) HWY_ATTR {
      constexpr int kRows = rows();
      for (int r = 0; r < kRows; ++r) {
        float row[kWidest + kLanes], vectors[kWidest + kLanes];
        const TensorView& query = p_.tensors.query;
        read_floats(row_of(query, pass_.b, pass_.head(p_.sizes, first + r), pass_.query(p_.sizes, first + r)),
                    query.dtype, p_.sizes.D, row);
        std::fill_n(row + p_.sizes.D, kLanes, 0.0f);
        key_vectors_.arrange(row, vectors);
        for (int64_t v = 0; v < key_vectors_.count(); ++v) {
          store(hn::Mul(broadcast(factor), load(vectors + v * kLanes)),
                block_queries(first) + (v * kRows + r) * kLanes);
        }
      }
    });
  }

  void run_tile(int64_t base, const TileRows<T>& key_rows, const TileRows<T>& next_key_rows) {
    const SplitTile tile = SplitTile::at(base, split_), next = SplitTile::at(base + kDecodeTile, split_);
    value_rows_.gather(values_, tile);
    constexpr auto kBytes = static_cast<int64_t>(sizeof(T));
    const RowsAhead<T> values{value_rows_.rows, p_.sizes.Dv * kBytes},
        next_keys{next_key_rows.rows, next.empty() ? 0 : p_.sizes.D * kBytes};
    for_each_block([&](auto rows, int first) HWY_ATTR {
      score_tile<rows()>(block_queries(first), key_rows.rows, tile.first, tile.end, key_vectors_,
                         scores(first), first == 0 ? values : RowsAhead<T>{});
    });
    if constexpr (sizeof(T) == 1) gather_scales(tile);
    for (int r = 0; r < pass_.rows; ++r) {
      seen_[r] = SplitTile::at(base, intersection(split_, mask_.keys(pass_.query(p_.sizes, r))));
      if (!seen_[r].empty()) softmax_row(r);
    }
    for_each_block([&](auto rows, int first)
                       HWY_ATTR { add_block<rows()>(first, first == 0 ? next_keys : RowsAhead<T>{}); });
  }

  float* scores(int r) const { return scores_ + r * kDecodeTile; }

  void gather_scales(const SplitTile& tile) {
    const KvView& cache = p_.tensors.cache;
    const int64_t sequence = sequence_of(cache, pass_.b);
    const int count = tile.end - tile.first;
    PagedRows(cache.key_scale, cache, sequence, pass_.kv_head)
        .copy(tile.base + tile.first, count, key_scales_ + tile.first);
    PagedRows(cache.value_scale, cache, sequence, pass_.kv_head)
        .copy(tile.base + tile.first, count, value_scales_ + tile.first);
  }

  void softmax_row(int r) {
    const SplitTile& seen = seen_[r];
    float* s = scores(r);
    if constexpr (sizeof(T) == 1) scale_scores(s, key_scales_, seen.end);
    const auto position = static_cast<float>(mask_.position(pass_.query(p_.sizes, r)) - seen.base);
    cap_and_slope_row(rule_of(p_, pass_.b, pass_.head(p_.sizes, r)), position, seen.end, s);
    mask_tile_scores(s, seen.first, seen.end);
    const float decay = online_softmax_row(s, seen.end, state_.max(r), state_.sum(r));
    if constexpr (sizeof(T) == 1) scale_scores(s, value_scales_, seen.end);
    if (decay == 1.0f) return;
    float* out = state_.out(r);
    for (int64_t v = 0; v < value_vectors_.count(); ++v) {
      store(hn::Mul(broadcast(decay), load(out + v * kLanes)), out + v * kLanes);
    }
  }

  /// Values of the keys that all rows of the block see are read once for all; those that only some see, once
  /// for each of these, before or after.
  template <int R>
  HWY_INLINE void add_block(int first_row, const RowsAhead<T>& ahead) {
    int first = 0, end = kDecodeTile;
    for (int r = first_row; r < first_row + R; ++r) {
      first = std::max(first, seen_[r].first);
      end = std::min(end, seen_[r].end);
    }
    if (first >= end) first = end = kDecodeTile;  // nothing in common: all is "before"
    for (int r = first_row; r < first_row + R; ++r) {
      add_rows<1>(r, seen_[r].first, std::min(first, seen_[r].end), RowsAhead<T>{});
    }
    add_rows<R>(first_row, first, end, ahead);
    for (int r = first_row; r < first_row + R; ++r) {
      add_rows<1>(r, std::max(end, seen_[r].first), seen_[r].end, RowsAhead<T>{});
    }
  }

  template <int R>
  HWY_INLINE void add_rows(int row, int first, int end, const RowsAhead<T>& ahead) {
    if (first >= end) return;
    add_weighted_values<R>(WeightedTile<T>{scores(row), value_rows_.rows, first, end}, value_vectors_,
                           state_.out(row), state_.stride(), ahead);
  }

  static constexpr int64_t kWidest = 1024;

  const DecodeProblem& p_;
  const Pass& pass_;
  const KeyRange split_;
  const PartialRows& state_;
  const DecodeMask mask_;
  const PagedRows keys_, values_;
  const RowVectors<T> key_vectors_, value_vectors_;
  float* const queries_;  // [rows, D] in blocks, multiplied by the query factor
  float* const scores_;   // [rows, kDecodeTile]
  TileRows<T> key_rows_[2], value_rows_;
  SplitTile seen_[kPassRows];
  alignas(64) float key_scales_[kDecodeTile] = {}, value_scales_[kDecodeTile] = {};
};

template <class T>
void attend_split(const DecodeProblem& problem, const Pass& pass, const KeyRange& keys, float* scratch,
                  const PartialRows& state) {
  SplitPass<T>(problem, pass, keys, scratch, state).run();
}

void attend_split_float32(const DecodeProblem& p, const Pass& pass, const KeyRange& keys, float* scratch,
                          const PartialRows& state) {
  attend_split<float>(p, pass, keys, scratch, state);
}
void attend_split_bfloat16(const DecodeProblem& p, const Pass& pass, const KeyRange& keys, float* scratch,
                           const PartialRows& state) {
  attend_split<hwy::bfloat16_t>(p, pass, keys, scratch, state);
}
void attend_split_float16(const DecodeProblem& p, const Pass& pass, const KeyRange& keys, float* scratch,
                          const PartialRows& state) {
  attend_split<hwy::float16_t>(p, pass, keys, scratch, state);
}
void attend_split_int8(const DecodeProblem& p, const Pass& pass, const KeyRange& keys, float* scratch,
                       const PartialRows& state) {
  attend_split<int8_t>(p, pass, keys, scratch, state);
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace attend {

SplitKernel split_kernel(Isa isa, DType stored) {
  switch (stored) {
    case DType::kBFloat16:
      return ATTEND_CHOOSE_KERNEL(isa, attend_split_bfloat16);
    case DType::kFloat16:
      return ATTEND_CHOOSE_KERNEL(isa, attend_split_float16);
    case DType::kInt8:
      return ATTEND_CHOOSE_KERNEL(isa, attend_split_int8);
    default:
      return ATTEND_CHOOSE_KERNEL(isa, attend_split_float32);
  }
}

size_t split_kernel_scratch(const DecodeProblem& p) {
  return static_cast<size_t>(p.pass_rows() * (padded_width(p.sizes.D) + kDecodeTile));
}

}  // namespace attend
#endif
