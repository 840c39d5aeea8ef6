// The weights p that a caller asked to see. While the keys stream past, a row holds the raw scores (in units
// of log 2, -inf where masked); once the row's maximum and sum are known they become weights in place.
#if defined(ATTEND_ATTENTION_WEIGHTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_WEIGHTS_INL_H_
#undef ATTEND_ATTENTION_WEIGHTS_INL_H_
#else
#define ATTEND_ATTENTION_WEIGHTS_INL_H_
#endif

#include <algorithm>
#include <cmath>

#include "attention/log2_units.h"
#include "attention/vector-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// The maximum of no number, and the number to subtract for it: exp2(-inf - 0) is 0 where -inf - -inf would
/// be NaN.
HWY_INLINE float shift_of(float max) {
  return max == -kInfinity ? 0.0f : max;
}

/// 2^(s - shift) * factor; 0 where the score is -inf, even if a visible NaN made the factor NaN.
HWY_INLINE Vec weights_of(Vec s, Vec shift, Vec factor) {
  const Vec weight = hn::Mul(exp2(hn::Sub(s, shift)), factor);
  return hn::IfThenZeroElse(hn::Eq(s, broadcast(-kInfinity)), weight);
}

/// row[j] = 2^(row[j] - max) / sum; 0 where the score is -inf, and everywhere when the sum is 0.
HWY_INLINE void scores_to_weights(float* row, int64_t keys, float max, float sum) {
  const Vec shift = broadcast(shift_of(max));
  const Vec factor = broadcast(sum == 0 ? 0.0f : 1.0f / sum);
  const auto weights = [&](const float* s) HWY_ATTR { return weights_of(load(s), shift, factor); };
  int64_t j = 0;
  for (; j + kLanes <= keys; j += kLanes) store(weights(row + j), row + j);
  if (j == keys) return;
  float tail[kLanes] = {};
  std::copy(row + j, row + keys, tail);
  store(weights(tail), tail);
  std::copy(tail, tail + (keys - j), row + j);
}

/// Ends the softmax of a row: adds exp2(sink), in the scores' units, to its sum, and returns what the row's
/// weighted sum of values has to be multiplied by. A row that has seen no key stays as it is.
HWY_INLINE float end_row(float sink, float& max, float& sum) {
  if (sink == -kInfinity || sum == 0) return 1.0f / sum;
  const float top = std::max(max, sink), decay = std::exp2(max - top);
  sum = sum * decay + std::exp2(sink - top);
  max = top;
  return decay / sum;
}

/// The natural lse from a maximum in units of log 2 and the sum of the powers of two that are measured from
/// it. In float64, because an error of lse is an error of every weight that the backward pass recomputes from
/// it.
HWY_INLINE float natural_lse(float max, float sum) {
  if (sum == 0) return -kInfinity;
  return static_cast<float>(from_log2_units(max) + double{std::log(sum)});
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_WEIGHTS_INL_H_
