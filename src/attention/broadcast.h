// Tensors whose axes are those of the scores or 1.
#ifndef ATTEND_ATTENTION_BROADCAST_H_
#define ATTEND_ATTENTION_BROADCAST_H_

#include <cstdint>

#include "attend/tensor.h"

namespace attend {

/// A view [B or 1, Hq or 1, Tq or 1, Tk or 1] that is asked for any score: the strides of axes of size 1 are
/// 0. T may be const; nothing is present in a view that is absent.
template <class T>
struct Broadcast {
  T* data = nullptr;
  Shape shape = {0, 0, 0, 0};
  Shape stride = {0, 0, 0, 0};  // in elements

  Broadcast() = default;
  explicit Broadcast(const TensorView& v) : Broadcast(static_cast<T*>(v.data), v.shape, v.stride) {}
  explicit Broadcast(const MutableTensorView& v) : Broadcast(static_cast<T*>(v.data), v.shape, v.stride) {}

  bool present() const { return data != nullptr; }
  T* head(int64_t b, int64_t h) const { return present() ? data + b * stride[0] + h * stride[1] : nullptr; }
  T* at(int64_t b, int64_t h, int64_t i, int64_t j) const {
    return head(b, h) + i * stride[2] + j * stride[3];
  }

 private:
  Broadcast(T* d, const Shape& extent, const Shape& steps) : data(d), shape(extent) {
    for (size_t axis = 0; axis < 4; ++axis) stride[axis] = shape[axis] == 1 ? 0 : steps[axis];
  }
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_BROADCAST_H_
