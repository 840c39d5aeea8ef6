// Matrix products: oneDNN for float, plain loops for double. bfloat16 for those who ask. The only door to
// oneDNN's GEMM.
#ifndef ATTEND_NN_GEMM_H_
#define ATTEND_NN_GEMM_H_

#include "attend/executor.h"
#include "base/matrix.h"
#include "nn/pass.h"
#include "nn/product.h"

namespace attend {

/// c = op(a) op(b), or c += op(a) op(b). Shapes after op: a [m, k], b [k, n], c [m, n]; c may not overlap a
/// or b. The result depends on nothing but the operands: c is cut into blocks by its shape alone.
template <class T>
void gemm(ConstMatrix<T> a, Transpose transpose_a, ConstMatrix<T> b, Transpose transpose_b,
          Accumulate accumulate, Matrix<T> c, Executor& executor);

/// The same by pass.executor in pass.precision. Products too small to repay the rounding stay in float32;
/// those that are rounded run on OpenMP's threads. The long sums of a^T b are cut too, by the shape alone.
template <class T>
void gemm(ConstMatrix<T> a, Transpose transpose_a, ConstMatrix<T> b, Transpose transpose_b,
          Accumulate accumulate, Matrix<T> c, Pass& pass);

/// c[:, first_column .. first_column + b.rows) = a b^T, or += that, on the calling thread alone: for those
/// who share out work themselves. a [m, k], b [n, k], c [m, at least first_column + n].
struct ColumnsProduct {
  ConstMatrix<float> a, b;
  Accumulate accumulate;
  Matrix<float> c;
  int64_t first_column;
};
void gemm_columns(const ColumnsProduct& product);

/// Whether this machine multiplies bfloat16 in hardware; elsewhere Precision::kBFloat16 gives float32's
/// results.
bool has_bfloat16_products();

}  // namespace attend

#endif  // ATTEND_NN_GEMM_H_
