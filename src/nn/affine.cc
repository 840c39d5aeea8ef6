#include "nn/affine.h"

#include <algorithm>
#include <type_traits>

#include "nn/chunks.h"
#include "nn/gemm.h"
#include "nn/row_product.h"

namespace attend {

template <class T>
void affine(ConstMatrix<T> x, ConstMatrix<T> weights, const T* bias, Matrix<T> y, Pass& pass) {
  if constexpr (std::is_same_v<T, float>) {
    if (x.rows <= kFewRows && !pass.training) return multiply_rows(x, weights, bias, y, pass.executor);
  }
  if (bias != nullptr) fill_rows(bias, y, pass.executor);
  gemm(x, Transpose::kNo, weights, Transpose::kYes, bias != nullptr ? Accumulate::kYes : Accumulate::kNo, y,
       pass);
}

template <class T>
void fill_rows(const T* row, Matrix<T> y, Executor& executor) {
  for_each_chunk(executor, y.rows, rows_per_chunk(y.cols), [&](int64_t first, int64_t count) {
    for (int64_t r = first; r < first + count; ++r) {
      if (row == nullptr)
        std::ranges::fill(y.row(r), T{0});
      else
        std::copy_n(row, y.cols, y.row(r).data());
    }
  });
}

template void affine(ConstMatrix<float>, ConstMatrix<float>, const float*, Matrix<float>, Pass&);
template void affine(ConstMatrix<double>, ConstMatrix<double>, const double*, Matrix<double>, Pass&);
template void fill_rows(const float*, Matrix<float>, Executor&);
template void fill_rows(const double*, Matrix<double>, Executor&);

}  // namespace attend
