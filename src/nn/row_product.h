// A few rows times a matrix of weights: what decoding a word is made of. The weights are read once, from
// memory, at its speed; numbers of 16 and 8 bits are widened in registers, so that they take a half or a
// quarter of the time.
#ifndef ATTEND_NN_ROW_PRODUCT_H_
#define ATTEND_NN_ROW_PRODUCT_H_

#include "attend/executor.h"
#include "base/matrix.h"
#include "nn/weight_matrix.h"

namespace attend {

/// Rows up to which this is faster than a matrix product that blocks for the caches.
inline constexpr int64_t kFewRows = 8;

/// y[r, o] = sum over i of x[r, i] w[o, i], + bias[o] unless bias is null. x [rows, in], w [out, in], y
/// [rows, out]. float32 sums in an order that depends on `in` alone: a row's result does not depend on the
/// other rows.
void multiply_rows(ConstMatrix<float> x, const WeightMatrix& weights, const float* bias, Matrix<float> y,
                   Executor& executor);

/// The same of weights in float32.
void multiply_rows(ConstMatrix<float> x, ConstMatrix<float> weights, const float* bias, Matrix<float> y,
                   Executor& executor);

}  // namespace attend

#endif  // ATTEND_NN_ROW_PRODUCT_H_
