// Stored numbers into float32 lanes, for the target that is being compiled.
#if defined(ATTEND_DECODE_ELEMENT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_DECODE_ELEMENT_INL_H_
#undef ATTEND_DECODE_ELEMENT_INL_H_
#else
#define ATTEND_DECODE_ELEMENT_INL_H_
#endif

#include <algorithm>
#include <bit>
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

/// Vectors that a vector of stored numbers is widened into by one instruction each, were it not for the
/// order: two bfloat16 numbers share a float32 lane, the even ones in the lower halves and the odd ones in
/// the upper. Spreading consecutive numbers over lanes takes a shuffle more, which keeps a multiplier
/// waiting.
template <class T>
constexpr int kPlanes = std::is_same_v<T, hwy::bfloat16_t> ? 2 : 1;

/// Every kPlanes-th number from the kPlane-th on, of kPlanes * kLanes stored numbers.
template <int kPlane, class T>
HWY_INLINE Vec widen_plane(const T* p) {
  if constexpr (kPlanes<T> == 1) {
    return widen(p);
  } else {
    static_assert(std::endian::native == std::endian::little);
    const hn::RebindToUnsigned<FloatTag> bits;
    const auto pairs = hn::LoadU(bits, reinterpret_cast<const uint32_t*>(p));
    if constexpr (kPlane == 0) return hn::BitCast(FloatTag(), hn::ShiftLeft<16>(pairs));
    alignas(64) static constexpr uint32_t kUpperHalf[16] = {
        0xffff0000u, 0xffff0000u, 0xffff0000u, 0xffff0000u, 0xffff0000u, 0xffff0000u,
        0xffff0000u, 0xffff0000u, 0xffff0000u, 0xffff0000u, 0xffff0000u, 0xffff0000u,
        0xffff0000u, 0xffff0000u, 0xffff0000u, 0xffff0000u};
    const uint32_t* upper_half = kUpperHalf;
    // Hides that the mask is a constant, which would take a register from the sums and spill one of them.
    __asm__("" : "+r"(upper_half));
    return hn::BitCast(FloatTag(), hn::And(pairs, hn::Load(bits, upper_half)));
  }
}

/// How the `width` numbers of a stored row fall into vectors. First the planes of whole blocks of
/// kPlanes * kLanes numbers: plane 0 of every block, then plane 1. Then what is left over, in order: whole
/// vectors, and one more if some numbers are left. That last vector reaches back over numbers already done,
/// so that nothing outside the row is read; a row shorter than a vector is copied first. `last` marks its
/// lanes that are not repeats.
template <class T>
struct RowVectors {
  explicit RowVectors(int64_t width)
      : blocks(width / (kPlanes<T> * kLanes)),
        whole(width / kLanes - blocks * kPlanes<T>),
        left(static_cast<int>(width % kLanes)),
        short_row(width < kLanes),
        last(mask_of(short_row ? (uint64_t{1} << left) - 1
                               : ((uint64_t{1} << left) - 1) << (kLanes - left))) {}

  /// Vectors before the last one.
  int64_t full() const { return blocks * kPlanes<T> + whole; }
  /// Vectors in all.
  int64_t count() const { return full() + (left > 0 ? 1 : 0); }
  /// Where the last vector begins in the row.
  int64_t last_column() const { return short_row ? 0 : full() * kLanes + left - kLanes; }

  /// Lays the numbers of a float32 row into the order of the vectors; both have room for count() vectors. The
  /// last vector is last_column() on, repeats included.
  void arrange(const float* row, float* vectors) const {
    for_each_planar([&](int64_t at, int64_t column) { vectors[at] = row[column]; });
    const int64_t planar = blocks * kPlanes<T> * kLanes;
    std::copy_n(row + planar, whole * kLanes, vectors + planar);
    if (left > 0) std::copy_n(row + last_column(), kLanes, vectors + full() * kLanes);
  }
  /// The inverse of arrange(), in place; `scratch` has room for the planar vectors.
  void restore(float* vectors, float* scratch) const {
    if constexpr (kPlanes < T >> 1) {
      std::copy_n(vectors, blocks * kPlanes<T> * kLanes, scratch);
      for_each_planar([&](int64_t at, int64_t column) { vectors[column] = scratch[at]; });
    }
    if (left == 0 || short_row) return;
    float* repeated = vectors + full() * kLanes;
    std::copy_n(repeated + kLanes - left, left, repeated);
  }

  int64_t blocks, whole;
  int left;
  bool short_row;
  hn::Mask<FloatTag> last;

 private:
  /// Calls body(place in the vectors, place in the row).
  template <class Body>
  void for_each_planar(const Body& body) const {
    constexpr int64_t kPlaneCount = kPlanes<T>;
    for (int64_t plane = 0; plane < kPlaneCount; ++plane) {
      for (int64_t i = 0; i < blocks * kLanes; ++i) {
        body(plane * blocks * kLanes + i, i * kPlaneCount + plane);
      }
    }
  }
};

/// The last vector of a row whose width is not a multiple of kLanes.
template <class T>
HWY_INLINE Vec widen_last(const T* row, const RowVectors<T>& vectors) {
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
