// Vectors of float32 and the exponential, for the target that is being compiled.
#if defined(ATTEND_ATTENTION_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_VECTOR_INL_H_
#undef ATTEND_ATTENTION_VECTOR_INL_H_
#else
#define ATTEND_ATTENTION_VECTOR_INL_H_
#endif

#include <cstddef>
#include <cstdint>
#include <limits>

#include "attention/targets.h"
#include "hwy/highway.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using FloatTag = hn::ScalableTag<float>;
using Vec = hn::Vec<FloatTag>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(FloatTag()));
constexpr float kInfinity = std::numeric_limits<float>::infinity();

HWY_INLINE Vec load(const float* p) {
  return hn::LoadU(FloatTag(), p);
}
HWY_INLINE void store(Vec v, float* p) {
  hn::StoreU(v, FloatTag(), p);
}
HWY_INLINE Vec broadcast(float x) {
  return hn::Set(FloatTag(), x);
}

/// x = n + r with n whole and |r| <= 1/2: 2^n, and r.
///
/// Adding 1.5 * 2^23 + 127 rounds x to n in the low bits of the sum, already biased as an exponent.
struct Exponent {
  Vec power, rest;
};
HWY_INLINE Exponent split_exponent(Vec x) {
  const Vec round = broadcast(12582912.0f + 127.0f);
  const Vec biased = hn::Add(x, round);
  const hn::RebindToUnsigned<FloatTag> bits;
  return {hn::BitCast(FloatTag(), hn::ShiftLeft<23>(hn::BitCast(bits, biased))),
          hn::Sub(x, hn::Sub(biased, round))};
}

/// (2^r - 1) / r for |r| <= 1/2: what is left of the polynomial of degree 6 for 2^r that is the minimax of
/// the relative error.
HWY_INLINE Vec exp2_slope(Vec r) {
  Vec p = broadcast(1.534581201e-4f);
  p = hn::MulAdd(p, r, broadcast(1.339993122e-3f));
  p = hn::MulAdd(p, r, broadcast(9.618488957e-3f));
  p = hn::MulAdd(p, r, broadcast(5.550328777e-2f));
  p = hn::MulAdd(p, r, broadcast(2.402264689e-1f));
  return hn::MulAdd(p, r, broadcast(6.931472057e-1f));
}

/// 2^x for x <= 127 with a relative error below 1.74 * 2^-24, and 1.34 * 2^-24 where multiply-adds are fused
/// (docs/numerics.md); 0 below -126, so that nothing subnormal is made; NaN for NaN.
HWY_INLINE Vec exp2(Vec x) {
  const Exponent e = split_exponent(x);
  const Vec p = hn::MulAdd(exp2_slope(e.rest), e.rest, broadcast(1.0f));
  return hn::IfThenZeroElse(hn::Lt(x, broadcast(-126.0f)), hn::Mul(p, e.power));
}

/// Lane i is chosen by bit i of `bits`.
HWY_INLINE hn::Mask<FloatTag> mask_of(uint64_t bits) {
  return hn::LoadMaskBits(FloatTag(), reinterpret_cast<const uint8_t*>(&bits));
}

/// Whether every number of `rows` rows of `width` is finite.
HWY_INLINE bool all_finite(const float* data, ptrdiff_t stride, int64_t rows, int64_t width) {
  Vec sum = hn::Zero(FloatTag());
  float tail = 0;
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = data + r * stride;
    int64_t d = 0;
    // 0 * x is NaN for NaN and for infinities, and NaN stays in the sum.
    for (; d + kLanes <= width; d += kLanes) sum = hn::MulAdd(load(row + d), hn::Zero(FloatTag()), sum);
    for (; d < width; ++d) tail += row[d] * 0.0f;
  }
  return tail == 0 && hn::AllTrue(FloatTag(), hn::Eq(sum, hn::Zero(FloatTag())));
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_VECTOR_INL_H_
