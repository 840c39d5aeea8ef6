// The rows of operands: where they lie, in which type, and what becomes of them on the way to the products.
//
// A float32 problem may have operands of 16 bits, and its queries and keys may be turned by their positions.
// Kernels see rows of float32 that are: in place where the two are one and the same, else in copies of a
// tile.
#ifndef ATTEND_ATTENTION_OPERAND_ROWS_H_
#define ATTEND_ATTENTION_OPERAND_ROWS_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "attend/tensor.h"
#include "attention/dtypes.h"
#include "attention/rotation.h"
#include "attention/sizes.h"
#include "base/half.h"

namespace attend {

/// A view [B, H, T, width] whose rows are contiguous. T may be const.
template <class T>
struct TensorRows {
  T* data = nullptr;
  int64_t batch = 0, head = 0, step = 0;  // strides in elements

  TensorRows() = default;
  explicit TensorRows(const MutableTensorView& v)
      : data(static_cast<T*>(v.data)), batch(v.stride[0]), head(v.stride[1]), step(v.stride[2]) {}
  explicit TensorRows(const TensorView& v)
      : data(static_cast<T*>(v.data)), batch(v.stride[0]), head(v.stride[1]), step(v.stride[2]) {}

  bool present() const { return data != nullptr; }
  T* row(int64_t b, int64_t h, int64_t t) const { return data + b * batch + h * head + t * step; }
};

/// Rows of T, or else of 16-bit floating point, of `dtype`. T may be const.
template <class T>
struct MixedRows : TensorRows<T> {
  using Bits = std::conditional_t<std::is_const_v<T>, const uint16_t, uint16_t>;

  MixedRows() = default;
  template <class View>
  explicit MixedRows(const View& v) : dtype(v.dtype), width(v.shape[3]) {
    if (has_sixteen_bits(dtype)) {
      narrow = TensorRows<Bits>(v);
    } else {
      TensorRows<T>::operator=(TensorRows<T>(v));
    }
  }

  TensorRows<Bits> narrow;  // absent when the rows are of T
  DType dtype = DType::kFloat32;
  int64_t width = 0;
};

template <class T>
struct InputRows : MixedRows<const T> {
  explicit InputRows(const TensorView& v, Rotation<T> turns = {})
      : MixedRows<const T>(v), rotation(std::move(turns)) {}

  /// Whether the rows are used as they lie in memory.
  bool in_place() const { return !has_sixteen_bits(this->dtype) && !rotation.present(); }

  Rotation<T> rotation;
};

/// Where rows are written. Those of 16 bits are made in T elsewhere, and rounded.
template <class T>
using OutputRows = MixedRows<T>;

/// Row (b, h, t) as it is used: where it lies, or widened and turned in `spare`, which has room for it.
template <class T>
const T* read_row(const InputRows<T>& rows, int64_t b, int64_t h, int64_t t, T* spare) {
  if (rows.in_place()) return rows.row(b, h, t);
  const T* from = spare;
  if (rows.narrow.present()) {
    const auto widen = rows.dtype == DType::kFloat16 ? half_to_float : bfloat16_to_float;
    const uint16_t* bits = rows.narrow.row(b, h, t);
    std::transform(bits, bits + rows.width, spare, [widen](uint16_t x) { return T{widen(x)}; });
  } else {
    from = rows.row(b, h, t);
  }
  if (rows.rotation.present()) turn_row(rows.rotation.of(b, t), from, rows.width, spare);
  return spare;
}

/// Where row (b, h, t) is made: in place, or in `spare`.
template <class T>
T* made_row(const OutputRows<T>& rows, int64_t b, int64_t h, int64_t t, T* spare) {
  return rows.narrow.present() ? spare : rows.row(b, h, t);
}

/// Rounds row (b, h, t), made elsewhere, to the type of its tensor: to nearest, ties to even.
template <class T>
void round_row(const T* made, const OutputRows<T>& rows, int64_t b, int64_t h, int64_t t) {
  if (!rows.narrow.present()) return;
  const auto round = rows.dtype == DType::kFloat16 ? float_to_half : float_to_bfloat16;
  std::transform(made, made + rows.width, rows.narrow.row(b, h, t),
                 [round](T x) { return round(static_cast<float>(x)); });
}

}  // namespace attend

#endif  // ATTEND_ATTENTION_OPERAND_ROWS_H_
