// The operands of one call after validation: typed pointers, sizes and strides, with nothing left to check.
#ifndef ATTEND_ATTENTION_PROBLEM_H_
#define ATTEND_ATTENTION_PROBLEM_H_

#include <cmath>
#include <cstdint>

#include "attend/attention.h"
#include "attention/broadcast.h"
#include "attention/dropout.h"
#include "attention/mask.h"
#include "attention/operand_rows.h"
#include "attention/rotation.h"
#include "attention/score_rule.h"
#include "attention/sizes.h"

namespace attend {

/// The factor that multiplies <q, k>.
template <class T>
T score_scale(const AttentionOptions& options, const Sizes& sizes) {
  return options.scale ? static_cast<T>(*options.scale) : T{1} / std::sqrt(static_cast<T>(sizes.D));
}

/// How queries and keys are turned, if they are.
template <class T>
Rotation<T> query_rotation(const AttentionOptions& options, const Sizes& sizes) {
  if (!options.rope.present()) return {};
  return {TurnTable<T>(options.rope),
          RowPositions(options.query_positions, sizes.Tq, Alignment(sizes, options))};
}
template <class T>
Rotation<T> key_rotation(const AttentionOptions& options, const Sizes& sizes) {
  if (!options.rope.present()) return {};
  return {TurnTable<T>(options.rope), RowPositions(options.key_positions, sizes.Tk)};
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
        query(t.query, query_rotation<T>(options, sizes)),
        key(t.key, key_rotation<T>(options, sizes)),
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
  ScorePolicy<T> rule;
  DropoutPolicy dropout;
  InputRows<T> query, key, value;
  OutputRows<T> output;
  TensorRows<T> lse, weights, head_mean, column_sums;  // may be absent
  RowEnd* row_ends = nullptr;                          // [B, Hq, Tq], kept by the kernels when there is room
};

template <class T>
struct BackwardProblem {
  BackwardProblem(const AttentionGradientTensors& t, const AttentionOptions& options)
      : sizes(sizes_of(t.query, t.key, t.value)),
        scale(score_scale<T>(options, sizes)),
        mask(sizes, options),
        rule(sizes, options),
        dropout(options),
        query(t.query, query_rotation<T>(options, sizes)),
        key(t.key, key_rotation<T>(options, sizes)),
        value(t.value),
        output(t.output),
        output_gradient(t.output_gradient),
        lse(t.lse),
        query_gradient(t.query_gradient),
        key_gradient(t.key_gradient),
        value_gradient(t.value_gradient),
        bias_gradient(t.bias_gradient),
        sinks_gradient(t.sinks_gradient) {}

  Sizes sizes;
  T scale;
  MaskPolicy mask;
  ScorePolicy<T> rule;
  DropoutPolicy dropout;
  InputRows<T> query, key, value, output, output_gradient;
  TensorRows<const T> lse;
  // With respect to the rows as the products see them. Sums of T: their rows of T are the tensors', or shared
  // scratch where those are of 16 bits.
  OutputRows<T> query_gradient, key_gradient, value_gradient;
  Broadcast<T> bias_gradient, sinks_gradient;  // may be absent
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_PROBLEM_H_
