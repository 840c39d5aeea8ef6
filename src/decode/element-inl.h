// Stored numbers into float32 lanes, for the target that is being compiled.
#if defined(ATTEND_DECODE_ELEMENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_DECODE_ELEMENT_INL_H_
#undef ATTEND_DECODE_ELEMENT_INL_H_
#else
#define ATTEND_DECODE_ELEMENT_INL_H_
#endif

#include <cstring>
#include <type_traits>

#include "attention/vector-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// float16 without the instruction for it (SSE4; Highway's emulation makes numbers of infinities and NaN):
/// the exponent is rebased by an exact multiplication, which also normalises subnormals, and set to all ones
/// where it was.
template <class Stored>
HWY_INLINE Vec widen_half_by_hand(Stored stored, const hwy::float16_t* p) {
  const FloatTag d;
  const hn::RebindToUnsigned<FloatTag> bits;
  const hn::Rebind<uint16_t, FloatTag> halves;
  const auto half = hn::PromoteTo(bits, hn::BitCast(halves, hn::LoadU(stored, p)));
  const auto magnitude = hn::And(half, hn::Set(bits, 0x7fffu));
  const auto special = hn::Gt(magnitude, hn::Set(bits, 0x7bffu));
  const Vec scaled = hn::Mul(hn::BitCast(d, hn::ShiftLeft<13>(magnitude)), broadcast(0x1p112f));
  const auto rebased =
      hn::Or(hn::BitCast(bits, scaled), hn::IfThenElseZero(special, hn::Set(bits, 0x7f800000u)));
  return hn::BitCast(d, hn::Or(rebased, hn::ShiftLeft<31>(hn::ShiftRight<15>(half))));
}

/// A vector of float32 from kLanes stored numbers; exact. bfloat16 is a shift, int8 and (but on SSE4) float16
/// have instructions.
HWY_INLINE Vec widen(const float* p) {
  return load(p);
}
template <class T>
HWY_INLINE Vec widen(const T* p) {
  const FloatTag d;
  const hn::Rebind<T, FloatTag> stored;
  if constexpr (std::is_same_v<T, int8_t>) {
    return hn::ConvertTo(d, hn::PromoteTo(hn::RebindToSigned<FloatTag>(), hn::LoadU(stored, p)));
  } else if constexpr (std::is_same_v<T, hwy::float16_t> && HWY_TARGET == HWY_SSE4) {
    return widen_half_by_hand(stored, p);
  } else {
    return hn::PromoteTo(d, hn::LoadU(stored, p));
  }
}

/// How a row of `width` numbers falls into vectors: `whole` of them, and one more if some numbers are left.
/// The last vector then reaches back over numbers already done, so that nothing outside the row is read; a
/// row shorter than a vector is copied first. `last` marks the lanes of the last vector that are not repeats.
struct RowVectors {
  explicit RowVectors(int64_t width)
      : whole(width / kLanes),
        left(static_cast<int>(width % kLanes)),
        short_row(width < kLanes),
        last(mask_of(short_row ? (uint64_t{1} << left) - 1
                               : ((uint64_t{1} << left) - 1) << (kLanes - left))) {}

  /// Vectors in all.
  int64_t count() const { return whole + (left > 0 ? 1 : 0); }
  /// Where the last vector begins in the row.
  int64_t last_column() const { return short_row ? 0 : whole * kLanes + left - kLanes; }

  int64_t whole;
  int left;
  bool short_row;
  hn::Mask<FloatTag> last;
};

/// The last vector of a row whose width is not a multiple of kLanes.
template <class T>
HWY_INLINE Vec widen_last(const T* row, const RowVectors& vectors) {
  if (!vectors.short_row) return widen(row + vectors.last_column());
  T copy[kLanes] = {};
  std::memcpy(static_cast<void*>(copy), row, static_cast<size_t>(vectors.left) * sizeof(T));
  return widen(copy);
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_DECODE_ELEMENT_INL_H_
