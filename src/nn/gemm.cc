#include "nn/gemm.h"

#include <dnnl.h>

#include <algorithm>
#include <cassert>
#include <type_traits>

#include "nn/bfloat16_gemm.h"

namespace attend {
namespace {

// Multiplications below which rounding the operands costs more than it saves.
constexpr int64_t kWorthRounding = int64_t{1} << 24;

char letter(Transpose transpose) {
  return transpose == Transpose::kYes ? 'T' : 'N';
}

// The definition. What double runs, and float where oneDNN is out of memory.
template <class T>
void multiply_plainly(ConstMatrix<T> a, Transpose transpose_a, ConstMatrix<T> b, Transpose transpose_b,
                      Accumulate accumulate, Matrix<T> c) {
  const bool across_a = transpose_a == Transpose::kYes, across_b = transpose_b == Transpose::kYes;
  const int64_t inner = across_a ? a.rows : a.cols;
  for (int64_t i = 0; i < c.rows; ++i) {
    for (int64_t j = 0; j < c.cols; ++j) {
      T sum = accumulate == Accumulate::kYes ? c.data[i * c.cols + j] : T{0};
      for (int64_t k = 0; k < inner; ++k) {
        const T left = across_a ? a.data[k * a.cols + i] : a.data[i * a.cols + k];
        const T right = across_b ? b.data[j * b.cols + k] : b.data[k * b.cols + j];
        sum += left * right;
      }
      c.data[i * c.cols + j] = sum;
    }
  }
}

void multiply(ConstMatrix<float> a, Transpose transpose_a, ConstMatrix<float> b, Transpose transpose_b,
              Accumulate accumulate, Matrix<float> c) {
  const int64_t k = transpose_a == Transpose::kYes ? a.rows : a.cols;
  const float beta = accumulate == Accumulate::kYes ? 1.0f : 0.0f;
  const dnnl_status_t status = dnnl_sgemm(letter(transpose_a), letter(transpose_b), c.rows, c.cols, k, 1.0f,
                                          a.data, a.cols, b.data, b.cols, beta, c.data, c.cols);
  if (status != dnnl_success) multiply_plainly(a, transpose_a, b, transpose_b, accumulate, c);
}

void multiply(ConstMatrix<double> a, Transpose transpose_a, ConstMatrix<double> b, Transpose transpose_b,
              Accumulate accumulate, Matrix<double> c) {
  multiply_plainly(a, transpose_a, b, transpose_b, accumulate, c);
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

template <class T>
void gemm(ConstMatrix<T> a, Transpose transpose_a, ConstMatrix<T> b, Transpose transpose_b,
          Accumulate accumulate, Matrix<T> c, Pass& pass) {
  if constexpr (std::is_same_v<T, float>) {
    const int64_t operations = c.size() * (transpose_a == Transpose::kYes ? a.rows : a.cols);
    if (pass.precision == Precision::kBFloat16 && operations >= kWorthRounding && has_bfloat16_products()) {
      const Bfloat16Product product{a, transpose_a, b, transpose_b, accumulate, c};
      if (multiply_bfloat16(product, pass.arena).ok()) return;
    }
  }
  gemm(a, transpose_a, b, transpose_b, accumulate, c);
}

using Floats = ConstMatrix<float>;
using Doubles = ConstMatrix<double>;
template void gemm(Floats, Transpose, Floats, Transpose, Accumulate, Matrix<float>);
template void gemm(Doubles, Transpose, Doubles, Transpose, Accumulate, Matrix<double>);
template void gemm(Floats, Transpose, Floats, Transpose, Accumulate, Matrix<float>, Pass&);
template void gemm(Doubles, Transpose, Doubles, Transpose, Accumulate, Matrix<double>, Pass&);

}  // namespace attend
