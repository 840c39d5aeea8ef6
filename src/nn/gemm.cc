#include "nn/gemm.h"

#include <dnnl.h>

#include <algorithm>
#include <cassert>

namespace attend {
namespace {

char letter(Transpose transpose) {
  return transpose == Transpose::kYes ? 'T' : 'N';
}

// Row-major product, as dnnl_sgemm has it.
void multiply(ConstMatrix<float> a, Transpose transpose_a, ConstMatrix<float> b, Transpose transpose_b,
              Accumulate accumulate, Matrix<float> c) {
  const int64_t k = transpose_a == Transpose::kYes ? a.rows : a.cols;
  const float beta = accumulate == Accumulate::kYes ? 1.0f : 0.0f;
  [[maybe_unused]] const dnnl_status_t status =
      dnnl_sgemm(letter(transpose_a), letter(transpose_b), c.rows, c.cols, k, 1.0f, a.data, a.cols, b.data,
                 b.cols, beta, c.data, c.cols);
  assert(status == dnnl_success);
}

void multiply(ConstMatrix<double> a, Transpose transpose_a, ConstMatrix<double> b, Transpose transpose_b,
              Accumulate accumulate, Matrix<double> c) {
  const bool across_a = transpose_a == Transpose::kYes, across_b = transpose_b == Transpose::kYes;
  const int64_t inner = across_a ? a.rows : a.cols;
  for (int64_t i = 0; i < c.rows; ++i) {
    for (int64_t j = 0; j < c.cols; ++j) {
      double sum = accumulate == Accumulate::kYes ? c.data[i * c.cols + j] : 0.0;
      for (int64_t k = 0; k < inner; ++k) {
        const double left = across_a ? a.data[k * a.cols + i] : a.data[i * a.cols + k];
        const double right = across_b ? b.data[j * b.cols + k] : b.data[k * b.cols + j];
        sum += left * right;
      }
      c.data[i * c.cols + j] = sum;
    }
  }
}

}  // namespace

template <class T>
void gemm(ConstMatrix<T> a, Transpose transpose_a, ConstMatrix<T> b, Transpose transpose_b,
          Accumulate accumulate, Matrix<T> c) {
  assert((transpose_a == Transpose::kYes ? a.cols : a.rows) == c.rows);
  assert((transpose_b == Transpose::kYes ? b.rows : b.cols) == c.cols);
  assert((transpose_a == Transpose::kYes ? a.rows : a.cols) ==
         (transpose_b == Transpose::kYes ? b.cols : b.rows));
  if (c.size() == 0) return;
  if (a.size() == 0) {  // an empty sum
    if (accumulate == Accumulate::kNo) std::fill_n(c.data, c.size(), T{0});
    return;
  }
  multiply(a, transpose_a, b, transpose_b, accumulate, c);
}

template void gemm(ConstMatrix<float>, Transpose, ConstMatrix<float>, Transpose, Accumulate, Matrix<float>);
template void gemm(ConstMatrix<double>, Transpose, ConstMatrix<double>, Transpose, Accumulate,
                   Matrix<double>);

}  // namespace attend
