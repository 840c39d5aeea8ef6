// rotation.h with the pairs in the lanes.
#if defined(ATTEND_ATTENTION_ROTATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_ROTATE_INL_H_
#undef ATTEND_ATTENTION_ROTATE_INL_H_
#else
#define ATTEND_ATTENTION_ROTATE_INL_H_
#endif

#include <algorithm>

#include "attention/rotation.h"
#include "attention/vector-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// Turns the pairs (a, b), in place.
HWY_INLINE void rotate_pairs(Vec cos, Vec sin, Vec& a, Vec& b) {
  const Vec turned = hn::NegMulAdd(b, sin, hn::Mul(a, cos));
  b = hn::MulAdd(a, sin, hn::Mul(b, cos));
  a = turned;
}

/// to = from, turned; `to` may be `from`.
HWY_INLINE void rotate_row(const Turn<float>& turn, const float* from, int64_t width, float* to) {
  int64_t r = 0;
  for (; r + kLanes <= turn.pairs; r += kLanes) {
    const Vec cos = load(turn.cos + r), sin = load(turn.sin + r);
    Vec a, b;
    if (turn.layout == RopeLayout::kHalfSplit) {
      a = load(from + r);
      b = load(from + turn.pairs + r);
      rotate_pairs(cos, sin, a, b);
      store(a, to + r);
      store(b, to + turn.pairs + r);
    } else {
      hn::LoadInterleaved2(FloatTag(), from + 2 * r, a, b);
      rotate_pairs(cos, sin, a, b);
      hn::StoreInterleaved2(a, b, FloatTag(), to + 2 * r);
    }
  }
  turn_pairs(turn, r, from, to);
  if (to != from) std::copy(from + 2 * turn.pairs, from + width, to + 2 * turn.pairs);
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_ROTATE_INL_H_
