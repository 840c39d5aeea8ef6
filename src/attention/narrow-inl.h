// Operands of 16 bits, and rows that are turned by their positions: copied as float32 once a tile, into
// scratch. Sums are float32 throughout.
#if defined(ATTEND_ATTENTION_NARROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_NARROW_INL_H_
#undef ATTEND_ATTENTION_NARROW_INL_H_
#else
#define ATTEND_ATTENTION_NARROW_INL_H_
#endif

#include <cstdint>
#include <type_traits>

#include "attention/half-inl.h"
#include "attention/kernels.h"
#include "attention/panel.h"
#include "attention/problem.h"
#include "attention/product-inl.h"
#include "attention/rotate-inl.h"
#include "attention/vector-inl.h"
#include "base/half.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// Two vectors of float32 from 2 * kLanes bfloat16 numbers: each is the upper half of a float32. Interleaving
/// with zeros works in 128-bit blocks, whose quarters are brought into place before.
HWY_INLINE void widen_two(const hwy::bfloat16_t* from, float* to) {
  const hn::Repartition<uint16_t, FloatTag> words;
  auto x = hn::LoadU(words, reinterpret_cast<const uint16_t*>(from));
#if HWY_TARGET == HWY_AVX2
  x = {_mm256_permute4x64_epi64(x.raw, 0xd8)};
#endif
  const auto zero = hn::Zero(words);
  store(hn::BitCast(FloatTag(), hn::InterleaveLower(words, zero, x)), to);
  store(hn::BitCast(FloatTag(), hn::InterleaveUpper(words, zero, x)), to + kLanes);
}

/// to[d] = from[d], exactly. Stored is hwy::bfloat16_t or hwy::float16_t.
template <class Stored>
HWY_INLINE void widen_row(const uint16_t* bits, int64_t width, float* to) {
  constexpr bool kHalf = std::is_same_v<Stored, hwy::float16_t>;
  const auto* from = reinterpret_cast<const Stored*>(bits);
  int64_t d = 0;
  if constexpr (!kHalf && HWY_TARGET != HWY_AVX3) {
    for (; d + 2 * kLanes <= width; d += 2 * kLanes) widen_two(from + d, to + d);
  }
  for (; d + kLanes <= width; d += kLanes) {
    if constexpr (kHalf) {
      store(widen_halves(FloatTag(), from + d), to + d);
    } else {
      store(hn::PromoteTo(FloatTag(), hn::LoadU(hn::Rebind<Stored, FloatTag>(), from + d)), to + d);
    }
  }
  for (; d < width; ++d) to[d] = kHalf ? half_to_float(bits[d]) : bfloat16_to_float(bits[d]);
}

/// kLanes numbers rounded to bfloat16: to nearest, ties to even.
HWY_INLINE void round_vector(Vec x, hwy::bfloat16_t* to) {
  const hn::RebindToUnsigned<FloatTag> bits;
  const auto b = hn::BitCast(bits, x), odd = hn::And(hn::ShiftRight<16>(b), hn::Set(bits, 1u));
  const auto rounded = hn::Add(hn::Add(b, odd), hn::Set(bits, 0x7fffu));
  const auto nan = hn::MaskFromVec(hn::BitCast(bits, hn::VecFromMask(FloatTag(), hn::IsNaN(x))));
  const auto kept = hn::IfThenElse(nan, hn::Or(b, hn::Set(bits, 0x400000u)), rounded);
  const hn::Rebind<uint16_t, FloatTag> words;
  const auto upper = hn::BitCast(hn::RebindToSigned<FloatTag>(), hn::ShiftRight<16>(kept));
  hn::StoreU(hn::DemoteTo(words, upper), words, reinterpret_cast<uint16_t*>(to));
}

/// Likewise to float16, by the instruction for it.
HWY_INLINE void round_vector(Vec x, hwy::float16_t* to) {
  const hn::Rebind<hwy::float16_t, FloatTag> halves;
  hn::StoreU(hn::DemoteTo(halves, x), halves, to);
}

/// to[d] = from[d], rounded to nearest, ties to even.
template <class Stored>
HWY_INLINE void round_row(const float* from, int64_t width, uint16_t* to) {
  constexpr bool kHalf = std::is_same_v<Stored, hwy::float16_t>;
  int64_t d = 0;
  if constexpr (!kHalf || HWY_TARGET != HWY_SSE4) {  // which has no such instruction
    for (; d + kLanes <= width; d += kLanes) round_vector(load(from + d), reinterpret_cast<Stored*>(to + d));
  }
  for (; d < width; ++d) to[d] = kHalf ? float_to_half(from[d]) : float_to_bfloat16(from[d]);
}

/// wide_rows() of rows that are not used as they lie in memory.
inline HWY_NOINLINE RowMajor copied_rows(const InputRows<float>& rows, int64_t b, int64_t h, int64_t t,
                                         int64_t count, float* scratch) {
  const int64_t width = rows.width, stride = padded_width(width);
  for (int64_t r = 0; r < count; ++r) {
    float* to = scratch + r * stride;
    const float* from = to;
    if (!rows.narrow.present()) {
      from = rows.row(b, h, t + r);
    } else if (rows.dtype == DType::kFloat16) {
      widen_row<hwy::float16_t>(rows.narrow.row(b, h, t + r), width, to);
    } else {
      widen_row<hwy::bfloat16_t>(rows.narrow.row(b, h, t + r), width, to);
    }
    if (rows.rotation.present()) rotate_row(rows.rotation.of(b, t + r), from, width, to);
  }
  return {scratch, stride};
}

/// `count` rows of an operand from (b, h, t) on, as the products see them: where they are, or widened and
/// turned in `scratch`, which has room for count * padded_width() numbers.
HWY_INLINE RowMajor wide_rows(const InputRows<float>& rows, int64_t b, int64_t h, int64_t t, int64_t count,
                              float* scratch) {
  if (rows.in_place()) return {rows.row(b, h, t), rows.step};
  return copied_rows(rows, b, h, t, count, scratch);
}

/// Where the float32 rows of an output from (b, h, t) on are made: in place, or in `scratch`.
HWY_INLINE Target wide_output(const OutputRows<float>& rows, int64_t b, int64_t h, int64_t t,
                              float* scratch) {
  if (!rows.narrow.present()) return {rows.row(b, h, t), rows.step};
  return {scratch, padded_width(rows.width)};
}

/// Rounds `count` rows that were made in scratch to the output's type.
inline HWY_NOINLINE void narrow_output(const Target& made, const OutputRows<float>& rows, int64_t b,
                                       int64_t h, int64_t t, int64_t count) {
  if (!rows.narrow.present()) return;
  for (int64_t r = 0; r < count; ++r) {
    const float* from = made.data + r * made.stride;
    uint16_t* to = rows.narrow.row(b, h, t + r);
    if (rows.dtype == DType::kFloat16) {
      round_row<hwy::float16_t>(from, rows.width, to);
    } else {
      round_row<hwy::bfloat16_t>(from, rows.width, to);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_NARROW_INL_H_
