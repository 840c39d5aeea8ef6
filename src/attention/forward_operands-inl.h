// What a block of queries multiplies: its queries in the lanes, and a tile of keys and values at a time.
//
// WideOperands is float32 throughout; what is stored otherwise is widened and turned once a tile.
// PairOperands multiplies bfloat16 numbers as they are, two at a time, and rounds the weights to bfloat16 for
// it.
#if defined(ATTEND_ATTENTION_FORWARD_OPERANDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_FORWARD_OPERANDS_INL_H_
#undef ATTEND_ATTENTION_FORWARD_OPERANDS_INL_H_
#else
#define ATTEND_ATTENTION_FORWARD_OPERANDS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "attention/narrow-inl.h"
#include "attention/pairs-inl.h"
#include "attention/panel.h"
#include "attention/problem.h"
#include "attention/product-inl.h"
#include "attention/transpose-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

class WideOperands {
 public:
  /// `factor` multiplies every product of a query and a key; `spare` holds forward_spare() floats.
  WideOperands(const ForwardProblem<float>& problem, int64_t b, int64_t h, float factor, float* spare)
      : p_(problem),
        b_(b),
        h_(h),
        factor_(factor),
        spare_(spare),
        wide_values_(spare + wide_scratch(kTileKeys, problem.sizes.D, !problem.key.in_place())) {}

  void load_queries(int64_t query, const Panel& panel, float* lanes) {
    const RowMajor rows = wide_rows(p_.query, b_, h_, query, panel.queries, spare_);
    rows_to_lanes(rows.data, rows.stride, panel, p_.sizes.D, factor_, lanes);
  }

  void load_tile(int64_t key, int keys) {
    const int64_t kv_head = h_ / p_.sizes.group();
    keys_ = wide_rows(p_.key, b_, kv_head, key, keys, spare_);
    values_ = wide_rows(p_.value, b_, kv_head, key, keys, wide_values_);
  }

  // What follows takes the tile's first `keys` keys: those that the panel at hand may see.

  /// scores [keys, lanes] = products with the queries that load_queries() laid into `lanes`.
  template <int NV>
  void score(const float* lanes, int keys, float* scores) const {
    constexpr ptrdiff_t kStride = NV * kLanes;
    deep_product<NV>(keys_, keys, p_.sizes.D, Right{lanes, kStride}, Target{scores, kStride});
  }

  /// output [Dv, lanes] = decay * output + values * weights [keys, lanes].
  template <int NV>
  void add_values(const float* weights, int keys, const Target& output) {
    product<Onto::kDecayedTarget, NV>(ColumnMajor{values_.data, values_.stride}, p_.sizes.Dv, keys,
                                      Right{weights, NV * kLanes}, output);
  }

  bool values_are_finite(int keys) const {
    return all_finite(values_.data, values_.stride, keys, p_.sizes.Dv);
  }
  float value(int j, int64_t d) const { return values_.at(j, d); }

 private:
  const ForwardProblem<float>& p_;
  const int64_t b_, h_;
  const float factor_;
  float *const spare_, *const wide_values_;
  RowMajor keys_ = {}, values_ = {};
};

#if HWY_TARGET == HWY_AVX3
/// For an even D and rows of bfloat16 that are not turned.
class PairOperands {
 public:
  /// As of WideOperands.
  PairOperands(const ForwardProblem<float>& problem, int64_t b, int64_t h, float factor, float* spare)
      : p_(problem),
        b_(b),
        h_(h),
        factor_(factor),
        weights_(spare),
        values_(reinterpret_cast<Pair*>(spare + kTileKeys / 2 * kWidestPanel)) {}

  void load_queries(int64_t query, const Panel& panel, float* lanes) {
    const int stride = panel.vectors * kLanes;
    for (int i = 0; i < stride; ++i) {
      const uint16_t* row = p_.query.narrow.row(b_, h_, query + std::min(i, panel.queries - 1));
      for (int64_t d = 0; d < p_.sizes.D / 2; ++d)
        std::memcpy(lanes + d * stride + i, row + 2 * d, sizeof(Pair));
    }
  }

  void load_tile(int64_t key, int keys) {
    static constexpr uint16_t kNoValue[kWidestRow] = {};
    key_ = key;
    for (int j = 0; j < keys; j += 2) {
      pair_rows(value_row(j), j + 1 < keys ? value_row(j + 1) : kNoValue, p_.sizes.Dv,
                values_ + j / 2 * p_.sizes.Dv);
    }
  }

  template <int NV>
  void score(const float* lanes, int keys, float* scores) const {
    constexpr ptrdiff_t kStride = NV * kLanes;
    const PairRows rows = {p_.key.narrow.row(b_, kv_head(), key_), p_.key.narrow.step, factor_};
    deep_product<NV>(rows, keys, p_.sizes.D / 2, Right{lanes, kStride}, Target{scores, kStride});
  }

  /// `keys` is even, or the tile's own number: the other half of an odd key's pair weighs nothing.
  template <int NV>
  void add_values(const float* weights, int keys, const Target& output) {
    constexpr int kStride = NV * kLanes;
    for (int j = 0; j < keys; j += 2) {
      for (int i = 0; i < kStride; i += kLanes) {
        const float* at = weights + j * kStride + i;
        const Vec second = j + 1 < keys ? load(at + kStride) : hn::Zero(FloatTag());
        store(rounded_pairs(load(at), second), weights_ + j / 2 * kStride + i);
      }
    }
    product<Onto::kDecayedTarget, NV>(PairColumns{values_, p_.sizes.Dv}, p_.sizes.Dv, (keys + 1) / 2,
                                      Right{weights_, kStride}, output);
  }

  bool values_are_finite(int keys) const {
    constexpr uint32_t kExponent = 0x7f80;
    for (int j = 0; j < keys; ++j) {
      const uint16_t* row = value_row(j);
      if (std::any_of(row, row + p_.sizes.Dv, [](uint16_t x) { return (x & kExponent) == kExponent; })) {
        return false;
      }
    }
    return true;
  }
  float value(int j, int64_t d) const { return bfloat16_to_float(value_row(j)[d]); }

 private:
  int64_t kv_head() const { return h_ / p_.sizes.group(); }
  const uint16_t* value_row(int j) const { return p_.value.narrow.row(b_, kv_head(), key_ + j); }

  const ForwardProblem<float>& p_;
  const int64_t b_, h_;
  const float factor_;
  float* const weights_;  // [kTileKeys / 2, lanes] of pairs: of keys 2 j and 2 j + 1
  Pair* const values_;    // [kTileKeys / 2, Dv], likewise
  int64_t key_ = 0;       // the tile's first
};
#endif

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_FORWARD_OPERANDS_INL_H_
