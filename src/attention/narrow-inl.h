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

/// to[d] = from[d], exactly. Stored is hwy::bfloat16_t or hwy::float16_t.
template <class Stored>
HWY_INLINE void widen_row(const uint16_t* from, int64_t width, float* to) {
  const hn::Rebind<Stored, FloatTag> stored;
  int64_t d = 0;
  for (; d + kLanes <= width; d += kLanes) {
    const auto x = hn::LoadU(stored, reinterpret_cast<const Stored*>(from + d));
    store(hn::PromoteTo(FloatTag(), x), to + d);
  }
  constexpr bool kHalf = std::is_same_v<Stored, hwy::float16_t>;
  for (; d < width; ++d) to[d] = kHalf ? half_to_float(from[d]) : bfloat16_to_float(from[d]);
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
inline void narrow_output(const Target& made, const OutputRows<float>& rows, int64_t b, int64_t h, int64_t t,
                          int64_t count) {
  for (int64_t r = 0; r < count; ++r) round_row(made.data + r * made.stride, rows, b, h, t + r);
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_NARROW_INL_H_
