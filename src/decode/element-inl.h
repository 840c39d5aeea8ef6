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

#include "attention/half-inl.h"
#include "attention/vector-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// A vector of float32 from kLanes stored numbers; exact. bfloat16 is a shift, int8 has an instruction.
HWY_INLINE Vec widen(const float* p) {
  return load(p);
}
template <class T>
HWY_INLINE Vec widen(const T* p) {
  const FloatTag d;
  const hn::Rebind<T, FloatTag> stored;
  if constexpr (std::is_same_v<T, int8_t>) {
    return hn::ConvertTo(d, hn::PromoteTo(hn::RebindToSigned<FloatTag>(), hn::LoadU(stored, p)));
  } else if constexpr (std::is_same_v<T, hwy::float16_t>) {
    return widen_halves(d, p);
  } else {
    return hn::PromoteTo(d, hn::LoadU(stored, p));
  }
}

/// A constant of every lane, as a function of its number in its 128-bit block. It would take a register from
/// the sums and spill one of them: hidden from the compiler, it stays in memory.
template <class OfLane>
HWY_INLINE auto hidden_constant(OfLane) {
  struct alignas(64) Lanes {
    uint32_t bits[kLanes];
  };
  static constexpr Lanes kConstant = [] {
    Lanes lanes = {};
    for (uint32_t i = 0; i < kLanes; ++i) lanes.bits[i] = OfLane()(i % 4);
    return lanes;
  }();
  const uint32_t* bits = kConstant.bits;
  __asm__("" : "+r"(bits));
  return hn::Load(hn::RebindToUnsigned<FloatTag>(), bits);
}

/// The kPlane-th of kCount equal parts of every lane, at the top of the lane and with zeros below.
template <int kPlane, int kCount, class Lanes>
HWY_INLINE Lanes part_at_top(Lanes lanes) {
  constexpr int kBits = 32 / kCount;
  if constexpr (kPlane == 0) {
    return hn::ShiftLeft<32 - kBits>(lanes);
  } else if constexpr (kPlane == kCount - 1) {
    return hn::And(lanes, hidden_constant([](uint32_t) { return ~uint32_t{0} << (32 - kBits); }));
  } else {
    static_assert(kBits == 8);  // byte kPlane of the lane, above three zeros
    return hn::TableLookupBytesOr0(
        lanes, hidden_constant([](uint32_t i) { return (4 * i + kPlane) << 24 | 0x00808080u; }));
  }
}

/// Planes of a vector of stored numbers: plane p is every kPlanes-th number from the p-th on, that is, the
/// same bits of every float32 lane. Shifted to the top of the lane and cleared below, two bfloat16 numbers or
/// four int8 numbers become float32 where they lie; to spread consecutive numbers over lanes takes a shuffle
/// of its own for every vector, and keeps a multiplier waiting.
template <class T>
constexpr int kPlanes = std::is_same_v<T, hwy::bfloat16_t> ? 2
                        : std::is_same_v<T, int8_t>        ? 4
                                                           : 1;

/// What a number taken from a plane must be multiplied by: int8 numbers come out of the top of an int32.
template <class T>
constexpr float kPlaneUnit = std::is_same_v<T, int8_t> ? 0x1p-24f : 1.0f;

/// Plane kPlane of kPlanes * kLanes stored numbers, in units of 1 / kPlaneUnit; exact.
template <int kPlane, class T>
HWY_INLINE Vec widen_plane(const T* p) {
  constexpr int kCount = kPlanes<T>;
  if constexpr (kCount == 1) {
    return widen(p);
  } else {
    static_assert(std::endian::native == std::endian::little);
    const hn::RebindToUnsigned<FloatTag> bits;
    const auto lanes = hn::LoadU(bits, reinterpret_cast<const uint32_t*>(p));
    const auto top = part_at_top<kPlane, kCount>(lanes);
    if constexpr (std::is_same_v<T, int8_t>) {
      return hn::ConvertTo(FloatTag(), hn::BitCast(hn::RebindToSigned<FloatTag>(), top));
    } else {
      return hn::BitCast(FloatTag(), top);
    }
  }
}

/// Vector v of blocks of kPlanes * kLanes stored numbers: plane v % kPlanes of block v / kPlanes. Meant for a
/// v that is known when the loop around is unrolled.
template <class T>
HWY_INLINE Vec widen_vector(const T* blocks, int v) {
  constexpr int kCount = kPlanes<T>;
  const T* block = blocks + v / kCount * kCount * kLanes;
  if constexpr (kCount > 1) {
    if (v % kCount == 1) return widen_plane<1>(block);
  }
  if constexpr (kCount > 2) {
    if (v % kCount == 2) return widen_plane<2>(block);
    if (v % kCount == 3) return widen_plane<3>(block);
  }
  return widen_plane<0>(block);
}

/// How the `width` numbers of a stored row fall into vectors. First whole blocks of kPlanes * kLanes numbers,
/// one plane after the other. Then what is left over, in order: whole vectors, and one more if some numbers
/// are left. That last vector reaches back over numbers already done, so that nothing outside the row is
/// read; a row shorter than a vector is copied first. `last` marks its lanes that are not repeats.
template <class T>
struct RowVectors {
  static constexpr int kPlaneCount = kPlanes<T>;

  explicit RowVectors(int64_t width)
      : blocks(width / (kPlaneCount * kLanes)),
        whole(width / kLanes - blocks * kPlaneCount),
        left(static_cast<int>(width % kLanes)),
        short_row(width < kLanes),
        last(mask_of(short_row ? (uint64_t{1} << left) - 1
                               : ((uint64_t{1} << left) - 1) << (kLanes - left))) {}

  /// Vectors before the last one.
  int64_t full() const { return blocks * kPlaneCount + whole; }
  /// Vectors in all.
  int64_t count() const { return full() + (left > 0 ? 1 : 0); }
  /// Where the last vector begins in the row.
  int64_t last_column() const { return short_row ? 0 : full() * kLanes + left - kLanes; }

  /// Lays the numbers of a float32 row into the order of the vectors, and makes them factors for them; both
  /// have room for count() vectors. The last vector is last_column() on, repeats included.
  void arrange(const float* row, float* vectors) const {
    for_each_planar([&](int64_t at, int64_t column) { vectors[at] = row[column] * kPlaneUnit<T>; });
    const int64_t planar = blocks * kPlaneCount * kLanes;
    std::copy_n(row + planar, whole * kLanes, vectors + planar);
    if (left > 0) std::copy_n(row + last_column(), kLanes, vectors + full() * kLanes);
  }
  /// Puts sums of vectors back into the order of the row, in place; `scratch` has room for the planar ones.
  void restore(float* vectors, float* scratch) const {
    if constexpr (kPlaneCount > 1) {
      std::copy_n(vectors, blocks * kPlaneCount * kLanes, scratch);
      for_each_planar([&](int64_t at, int64_t column) { vectors[column] = scratch[at] * kPlaneUnit<T>; });
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
    constexpr int64_t kBlock = kPlaneCount * kLanes;
    for (int64_t begin = 0; begin < blocks * kBlock; begin += kBlock) {
      for (int64_t plane = 0; plane < kPlaneCount; ++plane) {
        for (int64_t i = 0; i < kLanes; ++i)
          body(begin + plane * kLanes + i, begin + i * kPlaneCount + plane);
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
