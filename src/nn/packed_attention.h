// attend::attention() over packed sequences, with the heads side by side in the columns of a matrix: which
// rows attend to which becomes a list of strided calls, shared out over the workers.
#ifndef ATTEND_NN_PACKED_ATTENTION_H_
#define ATTEND_NN_PACKED_ATTENTION_H_

#include <optional>

#include "attend/attention.h"
#include "base/matrix.h"
#include "nn/multi_head_attention.h"
#include "nn/pass.h"

namespace attend {

/// Columns [first, first + heads * head width) of a matrix; head h has the h-th equal part of them.
template <class T>
struct HeadColumns {
  Matrix<T> matrix;
  int64_t first = 0;
};

/// Sequence s has the query rows [queries[s], queries[s + 1]) and sees the key rows [keys[s], keys[s + 1]).
struct PackedLayout {
  Offsets queries, keys;
  int heads;
  int64_t head_width;
  Causal causal = Causal::kNone;
  int64_t value_width = 0;          // of a head; 0: as head_width
  std::optional<float> scale = {};  // of the scores; absent: 1 / sqrt(head_width)
  ConstMatrix<bool> mask = {};  // [query rows, most keys a sequence], optional: true where a query sees a key

  int64_t value_head_width() const { return value_width > 0 ? value_width : head_width; }
};

template <class T>
struct PackedTensors {
  HeadColumns<const T> query, key, value;
  HeadColumns<T> output;
  Matrix<T> lse;           // [query rows, heads], optional
  Matrix<T> mean_weights;  // [query rows, most keys a sequence], optional: mean over heads, zero past a
                           // sequence's keys
};

template <class T>
struct PackedGradientTensors {
  HeadColumns<const T> query, key, value, output;
  ConstMatrix<T> lse;
  HeadColumns<const T> output_gradient;
  HeadColumns<T> query_gradient, key_gradient, value_gradient;  // overwritten for all rows of the layout
};

template <class T>
void packed_attention(const PackedTensors<T>& tensors, const PackedLayout& layout, Pass& pass);

template <class T>
void packed_attention_backward(const PackedGradientTensors<T>& tensors, const PackedLayout& layout,
                               Pass& pass);

}  // namespace attend

#endif  // ATTEND_NN_PACKED_ATTENTION_H_
