// What the scores of one row and one split go through on their way to the softmax, with the keys in the
// lanes.
#if defined(ATTEND_DECODE_SPLIT_SCORES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_DECODE_SPLIT_SCORES_INL_H_
#undef ATTEND_DECODE_SPLIT_SCORES_INL_H_
#else
#define ATTEND_DECODE_SPLIT_SCORES_INL_H_
#endif

#include <algorithm>

#include "attention/score_rule-inl.h"
#include "decode/problem.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// What happens to a product <q, k> of batch row b and head h on its way to a score.
HWY_INLINE HeadRule<float> rule_of(const DecodeProblem& p, int64_t b, int64_t h) {
  HeadRule<float> rule = {.softcap = p.softcap};
  if (p.slopes.present()) rule.slope = *p.slopes.head(b, h);
  return rule;
}

/// Multiplies the scores of keys [0, end) by a number each.
HWY_INLINE void scale_scores(float* scores, const float* scales, int end) {
  for (int j = 0; j < end; j += kLanes) store(hn::Mul(load(scores + j), load(scales + j)), scores + j);
}

/// Selects the keys [first, end) of a split; all others get the score -inf, whatever they had.
HWY_INLINE void mask_split_scores(float* scores, int first, int end) {
  std::fill(scores, scores + first, -kInfinity);
  std::fill(scores + end, scores + (end + kLanes - 1) / kLanes * kLanes, -kInfinity);
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_DECODE_SPLIT_SCORES_INL_H_
