// Attention of a few query rows over one split of a cache: one pass over its keys and values.
//
// Scores of all keys and rows, softmax, values. Rows go through the loops in blocks of four that share each
// widened vector; the keys and values of a group are in the nearest cache after the first block.
//
// Keys and values are read from several places of the split at once (ReadingOrder), because the machine's
// prefetchers, each of which follows one stream at a distance of its own, together read twice as fast as one
// of them: all that memory can give, while the rows are multiplied. (Measured on Zen 3; to ask for lines by
// instructions adds nothing to that.)
#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "decode/split_kernel.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <algorithm>

#include "attention/panel.h"
#include "attention/row_softmax-inl.h"
#include "attention/score_rule-inl.h"
#include "attention/sizes.h"
#include "decode/kv_view.h"
#include "decode/paged_rows.h"
#include "decode/split_kernel.h"
#include "decode/split_scores-inl.h"
#include "decode/values-inl.h"
#include "hwy/highway.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// Keys by their place in the split.
struct Places {
  int first, end;

  static Places of(const Range& keys, int64_t base) {
    return {static_cast<int>(std::max(keys.begin - base, int64_t{0})),
            static_cast<int>(std::clamp<int64_t>(keys.end - base, 0, kDecodeSplit))};
  }
  bool empty() const { return first >= end; }
  bool operator==(const Places&) const = default;
};

/// The order in which keys are read and their values added: the first key of each stream, the second of each,
/// and so on. Streams are parts of the key axis, so that the order in which a row adds up its values depends
/// on nothing but where its keys are.
class ReadingOrder {
 public:
  explicit ReadingOrder(const Places& keys) {
    constexpr int kStreams = 8, kLength = static_cast<int>(kDecodeSplit) / kStreams;
    for (int step = 0; step < kLength; ++step) {
      for (int place = step; place < kDecodeSplit; place += kLength) {
        if (place >= keys.first && place < keys.end) places_[count_++] = static_cast<uint16_t>(place);
      }
    }
  }

  int count() const { return count_; }
  const uint16_t* places() const { return places_; }

 private:
  int count_ = 0;
  uint16_t places_[kDecodeSplit];
};

template <class T>
class SplitPass {
 public:
  SplitPass(const DecodeProblem& p, const RowPass& pass, const Range& keys, float* scratch,
            const PartialRows& state)
      : p_(p),
        pass_(pass),
        base_(keys.begin / kDecodeSplit * kDecodeSplit),
        split_(keys),
        here_(Places::of(keys, base_)),
        order_(here_),
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
    compute_scores();
    if constexpr (sizeof(T) == 1) gather_scales();
    for (int r = 0; r < pass_.rows; ++r) {
      seen_[r] = Places::of(intersection(split_, mask_.keys(pass_.query(p_.sizes, r))), base_);
      if (!seen_[r].empty()) softmax_row(r);
    }
    add_values();
    float planes[kWidestRow];
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
        float row[kWidestRow + kLanes], vectors[kWidestRow + kLanes];
        p_.read_query(mask_, pass_.b, pass_.head(p_.sizes, first + r), pass_.query(p_.sizes, first + r), row);
        std::fill_n(row + p_.sizes.D, kLanes, 0.0f);
        key_vectors_.arrange(row, vectors);
        for (int64_t v = 0; v < key_vectors_.count(); ++v) {
          store(hn::Mul(broadcast(factor), load(vectors + v * kLanes)),
                block_queries(first) + (v * kRows + r) * kLanes);
        }
      }
    });
  }

  /// rows[place] of the keys of the split.
  void gather(const PagedRows& from, const T** rows) const {
    from.gather(base_ + here_.first, here_.end - here_.first, rows + here_.first);
  }

  void compute_scores() {
    const T* rows[kDecodeSplit];
    gather(keys_, rows);
    for (int n = 0; n < order_.count(); n += kKeyGroup) {
      const T* keys[kKeyGroup];
      uint16_t places[kKeyGroup];
      for (int k = 0; k < kKeyGroup; ++k) {
        places[k] = order_.places()[std::min(n + k, order_.count() - 1)];  // the last group may repeat a key
        keys[k] = rows[places[k]];
      }
      for_each_block([&](auto row_count, int first) HWY_ATTR {
        score_group<row_count()>(block_queries(first), keys, places, key_vectors_, scores(first));
      });
    }
  }

  float* scores(int r) const { return scores_ + r * kDecodeSplit; }

  void gather_scales() {
    const KvView& cache = p_.tensors.cache;
    const int64_t sequence = sequence_of(cache, pass_.b), first = base_ + here_.first;
    const int count = here_.end - here_.first;
    PagedRows(cache.key_scale, cache, sequence, pass_.kv_head).copy(first, count, key_scales_ + here_.first);
    PagedRows(cache.value_scale, cache, sequence, pass_.kv_head)
        .copy(first, count, value_scales_ + here_.first);
  }

  void softmax_row(int r) {
    const Places& seen = seen_[r];
    float* s = scores(r);
    if constexpr (sizeof(T) == 1) scale_scores(s, key_scales_, seen.end);
    const auto position = static_cast<float>(mask_.position(pass_.query(p_.sizes, r)) - base_);
    cap_and_slope_row(rule_of(p_, pass_.b, pass_.head(p_.sizes, r)), position, seen.end, s);
    mask_split_scores(s, seen.first, seen.end);
    online_softmax_row(s, seen.end, state_.max(r), state_.sum(r));
    if constexpr (sizeof(T) == 1) scale_scores(s, value_scales_, seen.end);
  }

  void add_values() {
    const T* rows[kDecodeSplit];
    gather(values_, rows);
    for_each_block([&](auto row_count, int first) HWY_ATTR {
      constexpr int kRows = row_count();
      const bool alike = std::all_of(seen_ + first, seen_ + first + kRows,
                                     [this](const Places& seen) { return seen == here_; });
      if (alike) return add_rows<kRows>(first, rows, order_);
      for (int r = first; r < first + kRows; ++r) add_rows<1>(r, rows, ReadingOrder(seen_[r]));
    });
  }

  template <int R>
  HWY_INLINE void add_rows(int row, const T* const* rows, const ReadingOrder& order) {
    // Few keys for several rows: their values stay in the nearest cache while the sums pass over them.
    constexpr int kTogether = R == 1 ? 64 : 8;
    for (int n = 0; n < order.count(); n += kTogether) {
      const int count = std::min(kTogether, order.count() - n);
      add_weighted_values<R>(WeightedValues<T>{scores(row), rows, order.places() + n, count}, value_vectors_,
                             state_.out(row), state_.stride());
    }
  }

  static constexpr int64_t kScales = sizeof(T) == 1 ? kDecodeSplit : 1;  // int8 alone has them

  const DecodeProblem& p_;
  const RowPass& pass_;
  const int64_t base_;  // where the split begins on the key axis
  const Range split_;   // its keys that some row sees
  const Places here_;   // and where they are in it
  const ReadingOrder order_;
  const PartialRows& state_;
  const DecodeMask mask_;
  const PagedRows keys_, values_;
  const RowVectors<T> key_vectors_, value_vectors_;
  float* const queries_;  // [rows, D] in blocks, multiplied by the query factor
  float* const scores_;   // [rows, kDecodeSplit]
  Places seen_[kPassRows];
  alignas(64) float key_scales_[kScales] = {}, value_scales_[kScales] = {};
};

template <class T>
void attend_split(const DecodeProblem& problem, const RowPass& pass, const Range& keys, float* scratch,
                  const PartialRows& state) {
  SplitPass<T>(problem, pass, keys, scratch, state).run();
}

void attend_split_float32(const DecodeProblem& p, const RowPass& pass, const Range& keys, float* scratch,
                          const PartialRows& state) {
  attend_split<float>(p, pass, keys, scratch, state);
}
void attend_split_bfloat16(const DecodeProblem& p, const RowPass& pass, const Range& keys, float* scratch,
                           const PartialRows& state) {
  attend_split<hwy::bfloat16_t>(p, pass, keys, scratch, state);
}
void attend_split_float16(const DecodeProblem& p, const RowPass& pass, const Range& keys, float* scratch,
                          const PartialRows& state) {
  attend_split<hwy::float16_t>(p, pass, keys, scratch, state);
}
void attend_split_int8(const DecodeProblem& p, const RowPass& pass, const Range& keys, float* scratch,
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
  return static_cast<size_t>(p.pass_rows() * (padded_width(p.sizes.D) + kDecodeSplit));
}

}  // namespace attend
#endif
