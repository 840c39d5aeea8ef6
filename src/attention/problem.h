// The operands of one call after validation: typed pointers, sizes and strides, with nothing left to check.
#ifndef ATTEND_ATTENTION_PROBLEM_H_
#define ATTEND_ATTENTION_PROBLEM_H_

#include <cmath>
#include <cstdint>
#include <type_traits>

#include "attend/attention.h"
#include "attention/broadcast.h"
#include "attention/dropout.h"
#include "attention/mask.h"
#include "attention/score_rule.h"
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

/// Rows of float32, or else of 16-bit floating point, of `dtype`. T may be const.
template <class Float, class Bits>
struct MixedRows : Rows<Float> {
  MixedRows() = default;
  template <class View>
  explicit MixedRows(const View& v) : dtype(v.dtype), width(v.shape[3]) {
    if (dtype == DType::kFloat32) {
      Rows<Float>::operator=(Rows<Float>(v));
    } else {
      narrow = Rows<Bits>(v);
    }
  }

  Rows<Bits> narrow;  // absent when the rows are float32
  DType dtype = DType::kFloat32;
  int64_t width = 0;
};
using MixedInput = MixedRows<const float, const uint16_t>;
using MixedOutput = MixedRows<float, uint16_t>;

/// The rows of a forward operand: those of a float32 problem may be stored in 16 bits.
template <class T>
using InputRows = std::conditional_t<std::is_same_v<T, float>, MixedInput, Rows<const T>>;
template <class T>
using OutputRows = std::conditional_t<std::is_same_v<T, float>, MixedOutput, Rows<T>>;

/// The factor that multiplies <q, k>.
template <class T>
T score_scale(const AttentionOptions& options, const Sizes& sizes) {
  return options.scale ? static_cast<T>(*options.scale) : T{1} / std::sqrt(static_cast<T>(sizes.D));
}

/// How the softmax of a row ended: the maximum of its scores, in units of log 2, and the sum of the powers of
/// two that are measured from it.
struct RowEnd {
  float max, sum;
};

template <class T>
struct ForwardProblem {
  ForwardProblem(const AttentionTensors& t, const AttentionOptions& options)
      : sizes(sizes_of(t.query, t.key, t.value)),
        scale(score_scale<T>(options, sizes)),
        mask(sizes, options),
        rule(sizes, options),
        dropout(options),
        query(t.query),
        key(t.key),
        value(t.value),
        output(t.output),
        lse(t.lse),
        weights(t.weights),
        head_mean(t.head_mean),
        column_sums(t.column_sums) {}

  /// Whether weights are to be summed up, which is done when the output is.
  bool summarises() const { return head_mean.present() || column_sums.present(); }
  RowEnd* row_end(int64_t b, int64_t h, int64_t i) const {
    return row_ends + (b * sizes.Hq + h) * sizes.Tq + i;
  }

  Sizes sizes;
  T scale;
  MaskPolicy mask;
  ScoreRule<T> rule;
  Dropout dropout;
  InputRows<T> query, key, value;
  OutputRows<T> output;
  Rows<T> lse, weights, head_mean, column_sums;  // may be absent
  RowEnd* row_ends = nullptr;                    // [B, Hq, Tq], kept by the kernels when there is room
};

template <class T>
struct BackwardProblem {
  BackwardProblem(const AttentionGradientTensors& t, const AttentionOptions& options)
      : sizes(sizes_of(t.query, t.key, t.value)),
        scale(score_scale<T>(options, sizes)),
        mask(sizes, options),
        rule(sizes, options),
        dropout(options),
        query(t.query),
        key(t.key),
        value(t.value),
        output(t.output),
        lse(t.lse),
        output_gradient(t.output_gradient),
        query_gradient(t.query_gradient),
        key_gradient(t.key_gradient),
        value_gradient(t.value_gradient),
        bias_gradient(t.bias_gradient),
        sinks_gradient(t.sinks_gradient) {}

  Sizes sizes;
  T scale;
  MaskPolicy mask;
  ScoreRule<T> rule;
  Dropout dropout;
  Rows<const T> query, key, value, output, lse, output_gradient;
  Rows<T> query_gradient, key_gradient, value_gradient;
  Broadcast<T> bias_gradient, sinks_gradient;  // may be absent
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_PROBLEM_H_
