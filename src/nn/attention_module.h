// The learned attention modules: a score for each pair of query and key, weights made of the scores, and the
// weighted sum of the values. With q a query, k a key and everything else learned, the scores are
//
//   tanh        <tanh(W q + b), k>               the classic simplified module
//   dot         <q, k>                           Luong, Pham and Manning 2015
//   scaled dot  <q, k> / sqrt(D)                 Vaswani et al. 2017
//   general     <W q, k>                         Luong, Pham and Manning 2015
//   additive    <w, tanh(W q + b + U k)>         Bahdanau, Cho and Bengio 2015
//
// and the weights are their softmax over the keys or, raw, the scores themselves. Keys and values are what
// comes in, or learned projections of it, made once for all queries. Sequences are packed as for multi-head
// attention.
#ifndef ATTEND_NN_ATTENTION_MODULE_H_
#define ATTEND_NN_ATTENTION_MODULE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "attend/status.h"
#include "nn/linear.h"
#include "nn/multi_head_attention.h"
#include "nn/packed_attention.h"
#include "nn/scored_attention.h"

namespace attend {

enum class Score { kTanh, kDot, kScaledDot, kGeneral, kAdditive };
enum class Weights { kSoftmax, kRaw };

struct AttentionModuleShape {
  Score score = Score::kScaledDot;
  Weights weights = Weights::kSoftmax;
  int64_t query = 0, key = 0, value = 0;  // widths of what comes in
  int64_t hidden = 0;                     // of additive scores alone: the length of w
  int64_t projected_key = 0;              // width of the projected keys; 0: keys are taken as they come
  int64_t projected_value = 0;            // width of the projected values; 0: as they come

  /// The width of the keys that scores are taken with.
  int64_t key_width() const { return projected_key > 0 ? projected_key : key; }
  /// The width of what the module gives.
  int64_t value_width() const { return projected_value > 0 ? projected_value : value; }
};

/// Errors: kInvalidArgument naming the width and both numbers: one that is not in 1..65536, a query of dot
/// scores that is not as wide as the keys, a hidden width where there is none or none where there must be
/// one.
Status check(const AttentionModuleShape& shape);

template <class T>
class AttentionModule {
 public:
  /// `shape` must pass check().
  AttentionModule(const std::string& name, const AttentionModuleShape& shape);

  const AttentionModuleShape& shape() const { return shape_; }

  /// Keys as scores take them (for additive scores U k), and values. The result lives in the arena.
  KeyValues<T> project(ConstMatrix<T> key_input, ConstMatrix<T> value_input, Offsets offsets,
                       Pass& pass) const;

  struct Activations {
    ConstMatrix<T> x;         // [rows, query]
    ConstMatrix<T> asked;     // [rows, key_width() or hidden]: the query as scores take it
    ConstMatrix<T> attended;  // [rows, value_width()]
    Matrix<T> lse;            // [rows, 1]
    Offsets offsets;          // of the queries
    ConstMatrix<bool> mask;
  };

  /// Sequence s of x [rows, query] attends to range s of the memory -> [rows, value_width()]. `mask`, when
  /// present [rows, most memory rows a sequence], is true where a query sees a key; what the others hold
  /// reaches nothing, and a query that sees none gets zeros. `weights`, when present, of the same shape,
  /// receives the weights, 0 where masked and past a shorter range. Without activations, nothing is kept for
  /// backward.
  Matrix<T> forward(ConstMatrix<T> x, Offsets offsets, const KeyValues<T>& memory, Pass& pass,
                    Activations* activations, Matrix<T> weights = {}, ConstMatrix<bool> mask = {}) const;

  using MemoryGradient = typename CrossAttention<T>::MemoryGradient;
  using InputGradient = typename CrossAttention<T>::InputGradient;

  /// dy [rows, value_width()] -> dx; overwrites `memory_gradient`, shaped as the memory; adds to the
  /// parameters'.
  Matrix<T> backward(const Activations& activations, const KeyValues<T>& memory, ConstMatrix<T> dy,
                     const MemoryGradient& memory_gradient, Pass& pass);

  /// Gradients of key_input and value_input. A row whose gradient is all zeros, as that of one that a mask
  /// hid from every query is, may hold anything when `masked`.
  InputGradient project_backward(ConstMatrix<T> key_input, ConstMatrix<T> value_input,
                                 const MemoryGradient& memory_gradient, Pass& pass, bool masked = false);

  void collect(ParameterList<T>& list);

  std::optional<Linear<T>> query;       // W and b of tanh and additive, W of general; "NAME.query"
  std::optional<Linear<T>> key, value;  // the projections; "NAME.key", "NAME.value"
  std::optional<Linear<T>> compare;     // U of additive, "NAME.compare"
  std::optional<Linear<T>> score;       // w of additive, "NAME.score"

 private:
  ConstMatrix<T> ask(ConstMatrix<T> x, Pass& pass) const;
  bool runs_on_tiles() const;
  PackedLayout packed_layout(Offsets queries, Offsets keys, ConstMatrix<bool> mask) const;
  ScoreRule<T> rule() const;

  AttentionModuleShape shape_;
};

}  // namespace attend

#endif  // ATTEND_NN_ATTENTION_MODULE_H_
