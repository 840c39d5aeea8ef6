// Scores of one row and one tile into weights, with the keys in the lanes.
#if defined(ATTEND_DECODE_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_DECODE_SOFTMAX_INL_H_
#undef ATTEND_DECODE_SOFTMAX_INL_H_
#else
#define ATTEND_DECODE_SOFTMAX_INL_H_
#endif

#include <algorithm>
#include <numbers>

#include "attention/weights-inl.h"
#include "decode/problem.h"
#include "hwy/contrib/math/math-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// What happens to a product <q, k> of one head on its way to a score in units of log 2. Queries are
/// multiplied by query_factor() beforehand.
struct ScoreRule {
  ScoreRule(const DecodeProblem& p, int64_t h)
      : cap(p.options.softcap * std::numbers::log2e_v<float>),
        slope(p.options.alibi_slopes.empty()
                  ? 0.0f
                  : p.options.alibi_slopes[static_cast<size_t>(h)] * std::numbers::log2e_v<float>) {}

  static float query_factor(const DecodeProblem& p) {
    return p.options.softcap > 0 ? p.scale / p.options.softcap : p.scale * std::numbers::log2e_v<float>;
  }

  bool plain() const { return cap == 0 && slope == 0; }

  /// For keys at `distance` from the query's position.
  HWY_INLINE Vec apply(Vec s, Vec distance) const {
    if (cap > 0) s = hn::Mul(broadcast(cap), hn::Tanh(FloatTag(), s));
    return hn::NegMulAdd(broadcast(slope), hn::Abs(distance), s);
  }

  float cap;    // softcap * log2(e)
  float slope;  // alibi slope * log2(e)
};

/// Multiplies the scores of keys [0, end) by a number each.
HWY_INLINE void scale_scores(float* scores, const float* scales, int end) {
  for (int j = 0; j < end; j += kLanes) store(hn::Mul(load(scores + j), load(scales + j)), scores + j);
}

/// `distance` is that of key 0 of the tile: the query's position minus its own.
HWY_INLINE void apply_rule(float* scores, int end, const ScoreRule& rule, float distance) {
  for (int j = 0; j < end; j += kLanes) {
    const Vec key = hn::Iota(FloatTag(), static_cast<float>(j));
    store(rule.apply(load(scores + j), hn::Sub(broadcast(distance), key)), scores + j);
  }
}

/// Selects the keys [first, end) of a tile; all others get the score -inf, whatever they had.
HWY_INLINE void mask_scores(float* scores, int first, int end) {
  std::fill(scores, scores + first, -kInfinity);
  std::fill(scores + end, scores + (end + kLanes - 1) / kLanes * kLanes, -kInfinity);
}

/// Turns the scores of keys [0, end), padded to whole vectors with -inf, into unnormalised weights, and
/// brings maximum and sum up to date; returns what the sums so far must be multiplied by.
HWY_INLINE float scores_to_powers(float* scores, int end, float& max, float& sum) {
  const FloatTag d;
  Vec top = broadcast(max);
  for (int j = 0; j < end; j += kLanes) top = hn::Max(top, load(scores + j));
  const float old = max;
  max = hn::GetLane(hn::MaxOfLanes(d, top));
  const Vec shift = broadcast(shift_of(max));
  Vec total = hn::Zero(d);
  for (int j = 0; j < end; j += kLanes) {
    const Vec p = exp2(hn::Sub(load(scores + j), shift));
    total = hn::Add(total, p);
    store(p, scores + j);
  }
  const float decay = hn::GetLane(exp2(hn::Sub(broadcast(old), shift)));
  sum = sum * decay + hn::GetLane(hn::SumOfLanes(d, total));
  return decay;
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_DECODE_SOFTMAX_INL_H_
