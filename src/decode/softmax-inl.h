// Scores of one row and one tile into weights, with the keys in the lanes.
#if defined(ATTEND_DECODE_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_DECODE_SOFTMAX_INL_H_
#undef ATTEND_DECODE_SOFTMAX_INL_H_
#else
#define ATTEND_DECODE_SOFTMAX_INL_H_
#endif

#include <algorithm>

#include "attention/score_rule-inl.h"
#include "attention/weights-inl.h"
#include "decode/problem.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// What happens to a product <q, k> of one head on its way to a score in units of log 2. The queries are
/// multiplied by query_factor() beforehand; with a softcap that makes products the exponents that tanh is
/// computed from.
struct DecodeRule {
  DecodeRule(const DecodeProblem& p, int64_t h)
      : softcap(p.options.softcap),
        slope(p.options.alibi_slopes.empty() ? 0.0f
                                             : p.options.alibi_slopes[static_cast<size_t>(h)] * kLog2e) {}

  static float query_factor(const DecodeProblem& p) {
    return p.options.softcap > 0 ? p.scale * (2 * kLog2e / p.options.softcap) : p.scale * kLog2e;
  }

  float softcap;  // 0: none
  float slope;    // of ALiBi, in units of log 2
};

/// Multiplies the scores of keys [0, end) by a number each.
HWY_INLINE void scale_scores(float* scores, const float* scales, int end) {
  for (int j = 0; j < end; j += kLanes) store(hn::Mul(load(scores + j), load(scales + j)), scores + j);
}

/// `position` is that of the query, counted from key 0 of the tile.
HWY_INLINE void apply_decode_rule(float* scores, int end, const DecodeRule& rule, float position) {
  if (rule.softcap > 0) cap_scores(scores, end, rule.softcap, nullptr);
  if (rule.slope == 0) return;
  for (int j = 0; j < end; j += kLanes) {
    const Vec key = hn::Iota(FloatTag(), static_cast<float>(j));
    store(less_distance(load(scores + j), broadcast(rule.slope), broadcast(position), key), scores + j);
  }
}

/// Selects the keys [first, end) of a tile; all others get the score -inf, whatever they had.
HWY_INLINE void mask_tile_scores(float* scores, int first, int end) {
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
