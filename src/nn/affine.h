// y = x W^T + b, however many rows x has.
#ifndef ATTEND_NN_AFFINE_H_
#define ATTEND_NN_AFFINE_H_

#include "nn/pass.h"

namespace attend {

/// x [rows, in], weights [out, in], bias [out] or null, y [rows, out], which may not overlap x. In inference
/// the few rows of the next words are multiplied by multiply_rows, all others by gemm.
template <class T>
void affine(ConstMatrix<T> x, ConstMatrix<T> weights, const T* bias, Matrix<T> y, Pass& pass);

/// Every row of y becomes `row` [y.cols], or zeros where that is null.
template <class T>
void fill_rows(const T* row, Matrix<T> y, Executor& executor);

}  // namespace attend

#endif  // ATTEND_NN_AFFINE_H_
