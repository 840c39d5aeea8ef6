// Rows of numbers between the type that they are stored in and float32.
#ifndef ATTEND_DECODE_FLOAT_ROWS_H_
#define ATTEND_DECODE_FLOAT_ROWS_H_

#include <cstddef>
#include <cstdint>

#include "attend/tensor.h"

namespace attend {

/// The first element of row t of a view [B, H, T, width].
inline const std::byte* row_of(const TensorView& view, int64_t b, int64_t h, int64_t t) {
  const int64_t index = b * view.stride[0] + h * view.stride[1] + t * view.stride[2];
  return static_cast<const std::byte*>(view.data) + index * static_cast<int64_t>(size_of(view.dtype));
}
inline std::byte* row_of(const MutableTensorView& view, int64_t b, int64_t h, int64_t t) {
  return const_cast<std::byte*>(row_of(static_cast<const TensorView&>(view), b, h, t));
}

/// Widens `count` numbers of type float32, bfloat16, float16 or int8; exact.
void read_floats(const void* from, DType dtype, int64_t count, float* to);

/// Rounds to float32, bfloat16 or float16: nearest, ties to even.
void write_floats(const float* from, int64_t count, DType dtype, void* to);

}  // namespace attend

#endif  // ATTEND_DECODE_FLOAT_ROWS_H_
