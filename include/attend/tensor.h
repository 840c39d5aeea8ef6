// Views of other people's memory, in the axes of attention.
//
// A view borrows: it owns nothing, copies nothing, and must not outlive the memory that it looks at. All
// views have four axes (leading axes of size 1 where an operand has fewer), 64-bit shapes and strides counted
// in elements, and may be broadcast with a stride of 0. The one legend of axes, used in every header, kernel,
// test and error message:
//
//   B batch      Hq query heads      Hkv key/value heads
//   Tq queries   Tk keys             D query/key width    Dv value width
#ifndef ATTEND_TENSOR_H_
#define ATTEND_TENSOR_H_

#include <array>
#include <cstddef>
#include <cstdint>

namespace attend {

enum class DType : uint8_t { kFloat32, kFloat64, kBFloat16, kFloat16, kInt8, kBool };

/// Bytes of one element.
constexpr size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
      return 8;
    case DType::kFloat32:
      return 4;
    case DType::kBFloat16:
    case DType::kFloat16:
      return 2;
    case DType::kInt8:
    case DType::kBool:
      return 1;
  }
  return 0;
}

template <class T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType value = DType::kFloat32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType value = DType::kFloat64;
};
template <>
struct DTypeOf<bool> {
  static constexpr DType value = DType::kBool;
};

using Shape = std::array<int64_t, 4>;

/// Row-major strides of a dense tensor, in elements.
constexpr Shape dense_strides(const Shape& shape) {
  return {shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1};
}

/// A borrowed tensor that is read. A default-constructed view is absent: `present()` is false.
struct TensorView {
  const void* data = nullptr;
  DType dtype = DType::kFloat32;
  Shape shape = {0, 0, 0, 0};
  /// In elements. Where rows are read or written, stride[3] must be 1, or shape[3] be 1.
  Shape stride = {0, 0, 0, 0};

  TensorView() = default;
  TensorView(const void* d, DType t, const Shape& s, const Shape& st)
      : data(d), dtype(t), shape(s), stride(st) {}
  template <class T>
  TensorView(const T* d, const Shape& s) : TensorView(d, DTypeOf<T>::value, s, dense_strides(s)) {}
  template <class T>
  TensorView(const T* d, const Shape& s, const Shape& st) : TensorView(d, DTypeOf<T>::value, s, st) {}

  bool present() const { return data != nullptr; }
};

/// A borrowed tensor that is written.
struct MutableTensorView {
  void* data = nullptr;
  DType dtype = DType::kFloat32;
  Shape shape = {0, 0, 0, 0};
  Shape stride = {0, 0, 0, 0};

  MutableTensorView() = default;
  MutableTensorView(void* d, DType t, const Shape& s, const Shape& st)
      : data(d), dtype(t), shape(s), stride(st) {}
  template <class T>
  MutableTensorView(T* d, const Shape& s) : MutableTensorView(d, DTypeOf<T>::value, s, dense_strides(s)) {}
  template <class T>
  MutableTensorView(T* d, const Shape& s, const Shape& st) : MutableTensorView(d, DTypeOf<T>::value, s, st) {}

  bool present() const { return data != nullptr; }
  operator TensorView() const { return {data, dtype, shape, stride}; }  // NOLINT(google-explicit-constructor)
};

}  // namespace attend

#endif  // ATTEND_TENSOR_H_
