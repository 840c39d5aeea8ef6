// float16 into float32 lanes, exactly, for the target that is being compiled.
#if defined(ATTEND_ATTENTION_HALF_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_HALF_INL_H_
#undef ATTEND_ATTENTION_HALF_INL_H_
#else
#define ATTEND_ATTENTION_HALF_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// Without the instruction for it, where Highway's emulation would make numbers of infinities and NaN: the
/// exponent is rebased by an exact multiplication, which also normalises subnormals, and set to all ones
/// where it was.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> widen_halves_by_hand(D d, const hwy::float16_t* p) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::RebindToUnsigned<D> bits;
  const hn::Rebind<uint16_t, D> halves;
  const auto half = hn::PromoteTo(bits, hn::LoadU(halves, reinterpret_cast<const uint16_t*>(p)));
  const auto magnitude = hn::And(half, hn::Set(bits, 0x7fffu));
  const auto special = hn::Gt(magnitude, hn::Set(bits, 0x7bffu));
  const auto scaled = hn::Mul(hn::BitCast(d, hn::ShiftLeft<13>(magnitude)), hn::Set(d, 0x1p112f));
  const auto rebased =
      hn::Or(hn::BitCast(bits, scaled), hn::IfThenElseZero(special, hn::Set(bits, 0x7f800000u)));
  return hn::BitCast(d, hn::Or(rebased, hn::ShiftLeft<31>(hn::ShiftRight<15>(half))));
}

/// A vector of float32 from as many float16 numbers.
template <class D>
HWY_INLINE hwy::HWY_NAMESPACE::Vec<D> widen_halves(D d, const hwy::float16_t* p) {
#if HWY_TARGET == HWY_SSE4 || HWY_TARGET == HWY_SSSE3 || HWY_TARGET == HWY_EMU128 || HWY_TARGET == HWY_SCALAR
  return widen_halves_by_hand(d, p);
#else
  namespace hn = hwy::HWY_NAMESPACE;
  return hn::PromoteTo(d, hn::LoadU(hn::Rebind<hwy::float16_t, D>(), p));
#endif
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();

#endif  // ATTEND_ATTENTION_HALF_INL_H_
