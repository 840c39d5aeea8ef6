// score_rule.h for tiles of scores in vectors, in units of log 2.
//
// With a softcap c the product arrives multiplied by 2 log2(e) / c, as the exponent that tanh is computed
// from; without one by log2(e). So an option that is absent costs one branch a tile.
#if defined(ATTEND_ATTENTION_SCORE_RULE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_SCORE_RULE_INL_H_
#undef ATTEND_ATTENTION_SCORE_RULE_INL_H_
#else
#define ATTEND_ATTENTION_SCORE_RULE_INL_H_
#endif

#include <algorithm>
#include <numbers>

#include "attention/log2_units.h"
#include "attention/mask.h"
#include "attention/score_rule.h"
#include "attention/tile-inl.h"
#include "attention/transpose-inl.h"
#include "attention/vector-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

constexpr float kLog2e = std::numbers::log2e_v<float>;

/// What the queries are multiplied by before the product.
HWY_INLINE float query_factor(float scale, const HeadRule<float>& rule) {
  return rule.softcap == 0 ? scale * kLog2e : scale * (2 * kLog2e / rule.softcap);
}

/// tanh(x) from y = 2 x log2(e), with a relative error of a few units in the last place: with n + r = y as in
/// exp2(), 2^y - 1 = 2^n (2^r - 1) + (2^n - 1) does not cancel, and tanh(x) = (2^y - 1) / (2^y + 1).
HWY_INLINE Vec tanh_of(Vec y) {
  // Beyond 30, tanh rounds to 1. NaN stays: chosen by comparisons, since Min and Max of NaN differ between
  // machines.
  const Vec most = broadcast(30.0f), least = broadcast(-30.0f);
  const Vec below = hn::IfThenElse(hn::Gt(y, most), most, y);
  const Exponent e = split_exponent(hn::IfThenElse(hn::Lt(below, least), least, below));
  const Vec less_one =
      hn::MulAdd(e.power, hn::Mul(e.rest, exp2_slope(e.rest)), hn::Sub(e.power, broadcast(1.0f)));
  return hn::Div(less_one, hn::Add(less_one, broadcast(2.0f)));
}

/// Caps `count` scores, in whole vectors; into `derivatives`, unless it is null, go those of the capped
/// scores with respect to the uncapped.
HWY_INLINE void cap_scores(float* scores, int count, float softcap, float* derivatives) {
  const Vec cap = broadcast(softcap * kLog2e), one = broadcast(1.0f);
  for (int k = 0; k < count; k += kLanes) {
    const Vec t = tanh_of(load(scores + k));
    store(hn::Mul(cap, t), scores + k);
    if (derivatives != nullptr) store(hn::NegMulAdd(t, t, one), derivatives + k);
  }
}

/// s -= slope |position - j|, where `position` counts from the first key.
HWY_INLINE Vec less_distance(Vec s, Vec slope, Vec position, Vec j) {
  return hn::NegMulAdd(slope, hn::Abs(hn::Sub(position, j)), s);
}

template <int NV>
HWY_INLINE void subtract_distances(const HeadRule<float>& rule, const Tile& t, float* scores,
                                   ptrdiff_t stride) {
  const Vec slope = broadcast(to_log2_units(rule.slope));
  const Vec first = broadcast(static_cast<float>(t.query + rule.diagonal - t.key));
  for (int v = 0; v < NV; ++v) {
    const Vec position = hn::Add(first, hn::Iota(FloatTag(), static_cast<float>(v * kLanes)));
    for (int j = 0; j < t.keys; ++j) {
      float* s = scores + j * stride + v * kLanes;
      store(less_distance(load(s), slope, position, broadcast(static_cast<float>(j))), s);
    }
  }
}

/// Bit i is set when lane i is -inf.
HWY_INLINE uint64_t hidden_lanes(Vec bias) {
  uint64_t bits = 0;
  hn::StoreMaskBits(FloatTag(), hn::Eq(bias, broadcast(-kInfinity)), reinterpret_cast<uint8_t*>(&bits));
  return bits;
}

/// s += to_log2_units(bias); an infinity or a NaN stays.
HWY_INLINE void add_bias_vector(Vec bias, float* s) {
  const Vec far = broadcast(static_cast<float>(kFarScore));
  const Vec near = hn::Max(hn::Min(bias, far), hn::Neg(far));
  store(hn::Add(load(s), hn::MulAdd(near, broadcast(kLog2e - 1), bias)), s);
}

/// x[k] = the biases of kLanes queries, at rows[..], with key k of `keys` <= 4.
HWY_INLINE void load_bias(const float* const* rows, int64_t key, int64_t key_stride, int keys, Vec (&x)[4]) {
  if (key_stride == 1 && keys == 4) {
    for (int k = 0; k < 4; ++k) x[k] = load_blocks(FloatTag(), rows + k, key);
    return transpose_squares(x);
  }
  float lanes[4 * kLanes] = {};
  for (int k = 0; k < keys; ++k) {
    for (int i = 0; i < kLanes; ++i) lanes[k * kLanes + i] = rows[i][(key + k) * key_stride];
  }
  for (int k = 0; k < 4; ++k) x[k] = load(lanes + k * kLanes);
}

/// Adds the bias to a tile of scores, and clears in `columns` the pairs that it hides.
template <int NV>
HWY_INLINE void add_bias(const HeadRule<float>& rule, const Tile& t, uint64_t* columns, float* scores,
                         ptrdiff_t stride) {
  const float* rows[NV * kLanes];
  for (int i = 0; i < NV * kLanes; ++i) {
    rows[i] = rule.bias + (t.query + std::min(i, t.panel.queries - 1)) * rule.query_stride;
  }
  for (int v = 0; v < NV; ++v) {
    for (int j = 0; j < t.keys; j += 4) {
      const int keys = std::min(4, t.keys - j);
      Vec x[4];
      load_bias(rows + v * kLanes, t.key + j, rule.key_stride, keys, x);
      for (int k = 0; k < keys; ++k) {
        columns[j + k] &= ~(hidden_lanes(x[k]) << (v * kLanes));
        add_bias_vector(x[k], scores + (j + k) * stride + v * kLanes);
      }
    }
  }
}

/// The class of a tile of which `columns` are seen.
HWY_INLINE TileClass class_of(const Tile& t, const uint64_t* columns) {
  const uint64_t all = ~uint64_t{0} >> (64 - t.panel.queries);
  uint64_t some = 0, every = all;
  for (int j = 0; j < t.keys; ++j) {
    some |= columns[j];
    every &= columns[j];
  }
  return some == 0 ? TileClass::kSkip : every == all ? TileClass::kFull : TileClass::kPartial;
}

/// Turns a tile of products [keys, NV vectors], whose rows are `stride` apart, into scores. `seen` and
/// `columns` are the mask's answer about the tile; the bias may hide more, so that a new answer comes back.
/// `derivatives` (of the softcap) are laid out likewise and may be null.
template <int NV>
HWY_NOINLINE TileClass apply_rule(const HeadRule<float>& rule, const Tile& t, TileClass seen,
                                  uint64_t* columns, float* scores, float* derivatives,
                                  ptrdiff_t stride = NV * kLanes) {
  for (int j = 0; rule.softcap != 0 && j < t.keys; ++j) {
    cap_scores(scores + j * stride, NV * kLanes, rule.softcap,
               derivatives == nullptr ? nullptr : derivatives + j * stride);
  }
  if (rule.slope != 0) subtract_distances<NV>(rule, t, scores, stride);
  if (rule.bias == nullptr) return seen;
  if (seen == TileClass::kFull) std::fill_n(columns, t.keys, ~uint64_t{0} >> (64 - t.panel.queries));
  add_bias<NV>(rule, t, columns, scores, stride);
  return class_of(t, columns);
}

/// Caps the products of one query with `count` keys and takes ALiBi's distances off; `position` is the
/// query's, counted from the first of the keys. Works on whole vectors.
HWY_INLINE void cap_and_slope_row(const HeadRule<float>& rule, float position, int count, float* scores) {
  if (rule.softcap != 0) cap_scores(scores, count, rule.softcap, nullptr);
  if (rule.slope == 0) return;
  const Vec slope = broadcast(to_log2_units(rule.slope)), from = broadcast(position);
  for (int j = 0; j < count; j += kLanes) {
    const Vec key = hn::Iota(FloatTag(), static_cast<float>(j));
    store(less_distance(load(scores + j), slope, from, key), scores + j);
  }
}

/// Turns the products of one query with `keys` keys from `key` on into scores; `scores` has room for whole
/// vectors. Returns `seen` without the keys that the bias hides.
inline HWY_NOINLINE uint64_t apply_rule_to_row(const HeadRule<float>& rule, int64_t query, int64_t key,
                                               int keys, uint64_t seen, float* scores) {
  const int padded = (keys + kLanes - 1) / kLanes * kLanes;
  cap_and_slope_row(rule, static_cast<float>(query + rule.diagonal - key), padded, scores);
  for (int j = 0; rule.bias != nullptr && j < padded; j += kLanes) {
    float bias[kLanes] = {};
    for (int k = 0; k < std::min(kLanes, keys - j); ++k) bias[k] = rule.bias_at(query, key + j + k);
    seen &= ~(hidden_lanes(load(bias)) << j);
    add_bias_vector(load(bias), scores + j);
  }
  return seen;
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_SCORE_RULE_INL_H_
