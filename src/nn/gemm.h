// Matrix products: oneDNN for float, plain loops for double. bfloat16 for those who ask. The only door to
// oneDNN's GEMM.
#ifndef ATTEND_NN_GEMM_H_
#define ATTEND_NN_GEMM_H_

#include "base/matrix.h"
#include "nn/pass.h"

namespace attend {

enum class Transpose { kNo, kYes };
enum class Accumulate { kNo, kYes };

/// c = op(a) op(b), or c += op(a) op(b). Shapes after op: a [m, k], b [k, n], c [m, n]; c may not overlap a
/// or b. The result does not depend on what else runs; it may depend on the number of OpenMP threads.
///
/// No signal handler may run on the threads of a product unless it has a stack of its own (SA_ONSTACK):
/// kernels of oneDNN 2.6's sgemm for AVX2 and AVX-512 keep a pointer into heap memory in the stack pointer.
template <class T>
void gemm(ConstMatrix<T> a, Transpose transpose_a, ConstMatrix<T> b, Transpose transpose_b,
          Accumulate accumulate, Matrix<T> c);

/// The same in pass.precision. Products too small to repay the rounding stay in float32.
template <class T>
void gemm(ConstMatrix<T> a, Transpose transpose_a, ConstMatrix<T> b, Transpose transpose_b,
          Accumulate accumulate, Matrix<T> c, Pass& pass);

/// Whether this machine multiplies bfloat16 in hardware; elsewhere Precision::kBFloat16 gives float32's
/// results.
bool has_bfloat16_products();

}  // namespace attend

#endif  // ATTEND_NN_GEMM_H_
