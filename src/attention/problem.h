// The operands of one call after validation: typed pointers, sizes and strides, with nothing left to check.
#ifndef ATTEND_ATTENTION_PROBLEM_H_
#define ATTEND_ATTENTION_PROBLEM_H_

#include <cmath>
#include <cstdint>

#include "attend/attention.h"
#include "attention/mask.h"
#include "attention/sizes.h"

namespace attend {

/// A view [B, H, T, width] whose rows are contiguous. T may be const.
template <class T>
struct Rows {
  T* data = nullptr;
  int64_t batch = 0, head = 0, step = 0;  // strides in elements

  Rows() = default;
  explicit Rows(const MutableTensorView& v)
      : data(static_cast<T*>(v.data)), batch(v.stride[0]), head(v.stride[1]), step(v.stride[2]) {}
  explicit Rows(const TensorView& v)
      : data(static_cast<T*>(v.data)), batch(v.stride[0]), head(v.stride[1]), step(v.stride[2]) {}

  bool present() const { return data != nullptr; }
  T* row(int64_t b, int64_t h, int64_t t) const { return data + b * batch + h * head + t * step; }
};

/// The factor that multiplies <q, k>.
template <class T>
T score_scale(const AttentionOptions& options, const Sizes& sizes) {
  return options.scale ? static_cast<T>(*options.scale) : T{1} / std::sqrt(static_cast<T>(sizes.D));
}

template <class T>
struct ForwardProblem {
  ForwardProblem(const AttentionTensors& t, const AttentionOptions& options)
      : sizes(sizes_of(t.query, t.key, t.value)),
        scale(score_scale<T>(options, sizes)),
        mask(sizes, options),
        query(t.query),
        key(t.key),
        value(t.value),
        output(t.output),
        lse(t.lse),
        weights(t.weights) {}

  Sizes sizes;
  T scale;
  MaskPolicy mask;
  Rows<const T> query, key, value;
  Rows<T> output, lse, weights;  // lse and weights may be absent
};

template <class T>
struct BackwardProblem {
  BackwardProblem(const AttentionGradientTensors& t, const AttentionOptions& options)
      : sizes(sizes_of(t.query, t.key, t.value)),
        scale(score_scale<T>(options, sizes)),
        mask(sizes, options),
        query(t.query),
        key(t.key),
        value(t.value),
        output(t.output),
        lse(t.lse),
        output_gradient(t.output_gradient),
        query_gradient(t.query_gradient),
        key_gradient(t.key_gradient),
        value_gradient(t.value_gradient) {}

  Sizes sizes;
  T scale;
  MaskPolicy mask;
  Rows<const T> query, key, value, output, lse, output_gradient;
  Rows<T> query_gradient, key_gradient, value_gradient;
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_PROBLEM_H_
