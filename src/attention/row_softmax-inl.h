// The online softmax of one query, with the keys in the lanes.
#if defined(ATTEND_ATTENTION_ROW_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_ROW_SOFTMAX_INL_H_
#undef ATTEND_ATTENTION_ROW_SOFTMAX_INL_H_
#else
#define ATTEND_ATTENTION_ROW_SOFTMAX_INL_H_
#endif

#include "attention/weights-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// Turns the scores of one query into unnormalised weights and brings its maximum and sum up to date; returns
/// what the sums so far must be multiplied by. The tile's scores are padded with -inf to whole vectors.
HWY_INLINE float online_softmax_row(float* scores, int keys, float& max, float& sum) {
  const FloatTag d;
  Vec top = broadcast(max);
  for (int j = 0; j < keys; j += kLanes) top = hn::Max(top, load(scores + j));
  const float old = max;
  max = hn::GetLane(hn::MaxOfLanes(d, top));
  const Vec shift = broadcast(shift_of(max));
  Vec total = hn::Zero(d);
  for (int j = 0; j < keys; j += kLanes) {
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

#endif  // ATTEND_ATTENTION_ROW_SOFTMAX_INL_H_
