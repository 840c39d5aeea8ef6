// Attention of packed rows, heads side by side in the columns, to keys and values that are there already.
#ifndef ATTEND_NN_SHARED_ATTENTION_H_
#define ATTEND_NN_SHARED_ATTENTION_H_

#include "base/matrix.h"
#include "nn/key_value_cache.h"
#include "nn/pass.h"

namespace attend {

/// Head h has the h-th equal part of the columns; scores are multiplied by `scale`.
struct Heads {
  int count = 1;
  float scale = 1;
};

/// What attention gives besides its output: each is left out when it is not present.
struct AttentionExtras {
  Matrix<float> lse;      // [rows, heads]: log of the sum of exp of scores
  Matrix<float> weights;  // [rows * heads, keys]: those of row r and head h in row r * heads + h
};

/// Every row of `query` [rows, width] sees all of `keys` and `values` [keys, width]: tokens of one image
/// among themselves, or words that look at one image, whatever hypothesis they belong to. -> [rows, width]
Matrix<float> attend_to_shared(ConstMatrix<float> query, ConstMatrix<float> keys, ConstMatrix<float> values,
                               const Heads& heads, Pass& pass, const AttentionExtras& extras = {});

/// The rows of `query` are the last rows of the cache's sequences, equally many of each, one sequence after
/// the other; each sees itself and what came before it. -> [rows, width]
Matrix<float> attend_to_past(ConstMatrix<float> query, const KeyValueCache<float>& cache, const Heads& heads,
                             Pass& pass, const AttentionExtras& extras = {});

}  // namespace attend

#endif  // ATTEND_NN_SHARED_ATTENTION_H_
