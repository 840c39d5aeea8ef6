// Attention over packed sequences whose scores or weights the tiled kernels do not know: additive scores, and
// weights that are not normalised. One row of scores a worker is all that is kept: backward computes them
// again.
#ifndef ATTEND_NN_SCORED_ATTENTION_H_
#define ATTEND_NN_SCORED_ATTENTION_H_

#include "nn/multi_head_attention.h"

namespace attend {

/// s_ij = scale * <q_i, k_j>, or with `additive` sum over h of additive[h] * tanh(q_ih + k_jh); the weights
/// are softmax over j of s_i, or s_i itself.
template <class T>
struct ScoreRule {
  ConstMatrix<T> additive;  // [1, width], optional
  T scale = 1;
  bool softmax = true;
};

/// Sequence s has the query rows [queries[s], queries[s + 1]) and sees the key rows [keys[s], keys[s + 1]),
/// of them only those that the mask shows.
struct ScoredLayout {
  Offsets queries, keys;
  ConstMatrix<bool> mask;  // [query rows, most keys a sequence], optional: true where a query sees a key
};

template <class T>
struct ScoredTensors {
  ConstMatrix<T> query;   // [query rows, width]
  ConstMatrix<T> keys;    // [key rows, width]
  ConstMatrix<T> values;  // [key rows, value width]
  Matrix<T> output;       // [query rows, value width]
  Matrix<T> lse;          // [query rows, 1], optional: log of the sum of exp(s_ij); of no use to raw weights
  Matrix<T> weights;      // [query rows, most keys a sequence], optional: 0 where masked and past the keys
};

template <class T>
struct ScoredGradientTensors {
  ConstMatrix<T> query, keys, values, lse;  // as in forward
  ConstMatrix<T> output_gradient;
  Matrix<T> query_gradient, key_gradient, value_gradient;  // overwritten
  Matrix<T> additive_gradient;                             // [1, width], added to; only for additive scores
};

/// A key that is masked for a query is left out of its sums whatever it holds; a query that sees none gets
/// zeros.
template <class T>
void scored_attention(const ScoredTensors<T>& tensors, const ScoreRule<T>& rule, const ScoredLayout& layout,
                      Pass& pass);

/// One task a sequence, so that the sums over its queries have the order of the queries.
template <class T>
void scored_attention_backward(const ScoredGradientTensors<T>& tensors, const ScoreRule<T>& rule,
                               const ScoredLayout& layout, Pass& pass);

}  // namespace attend

#endif  // ATTEND_NN_SCORED_ATTENTION_H_
