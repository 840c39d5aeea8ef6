#include "nn/linear.h"

#include <algorithm>
#include <type_traits>

#include "nn/chunks.h"
#include "nn/gemm.h"
#include "nn/row_kernels.h"
#include "nn/row_product.h"

namespace attend {
namespace {

template <class T>
void set_rows(ConstMatrix<T> row, Matrix<T> y, Executor& executor) {
  for_each_chunk(executor, y.rows, rows_per_chunk(y.cols), [&](int64_t first, int64_t count) {
    for (int64_t r = first; r < first + count; ++r) std::copy_n(row.data, y.cols, y.row(r).data());
  });
}

// sum[0, c] += sum over rows of x[r, c]. Each task owns a strip of columns and walks down all rows, so that
// the order of the sum is that of the rows.
template <class T>
void add_columns(ConstMatrix<T> x, Matrix<T> sum, Executor& executor) {
  constexpr int64_t kStrip = 32;
  for_each_chunk(executor, x.cols, kStrip, [&](int64_t first, int64_t count) {
    kernels::add_rows(x.data + first, x.rows, x.cols, count, sum.data + first);
  });
}

}  // namespace

template <class T>
Linear<T>::Linear(const std::string& name, int64_t in, int64_t out, Bias has_bias)
    : Linear(name, in, out, has_bias, Initial::glorot(in, out)) {}

template <class T>
Linear<T>::Linear(const std::string& name, int64_t in, int64_t out, Bias has_bias, const Initial& initial)
    : weight(name + ".weight", out, in, initial, Parameter<T>::Decay::kYes),
      bias(name + ".bias", 1, has_bias == Bias::kYes ? out : 0, Initial::zeros(), Parameter<T>::Decay::kNo) {}

template <class T>
Matrix<T> Linear<T>::forward(ConstMatrix<T> x, Pass& pass) const {
  const Matrix<T> y = pass.arena.matrix<T>(x.rows, out());
  const bool biased = bias.size() > 0;
  if constexpr (std::is_same_v<T, float>) {
    if (x.rows <= kFewRows && !pass.training) {  // the next word of a few beginnings
      multiply_rows(x, weight.value(), biased ? bias.value().data : nullptr, y, pass.executor);
      return y;
    }
  }
  if (biased) set_rows(bias.value(), y, pass.executor);
  gemm(x, Transpose::kNo, weight.value(), Transpose::kYes, biased ? Accumulate::kYes : Accumulate::kNo, y,
       pass);
  return y;
}

template <class T>
Matrix<T> Linear<T>::backward(ConstMatrix<T> x, ConstMatrix<T> dy, Pass& pass) {
  const Matrix<T> dx = pass.arena.matrix<T>(x.rows, in());
  backward(x, dy, dx, pass);
  return dx;
}

template <class T>
void Linear<T>::backward(ConstMatrix<T> x, ConstMatrix<T> dy, Matrix<T> dx, Pass& pass) {
  backward_parameters(x, dy, pass);
  const ConstMatrix<T> w = weight.value();
  gemm(dy, Transpose::kNo, w, Transpose::kNo, Accumulate::kNo, dx, pass);
}

template <class T>
void Linear<T>::backward_parameters(ConstMatrix<T> x, ConstMatrix<T> dy, Pass& pass) {
  gemm(dy, Transpose::kYes, x, Transpose::kNo, Accumulate::kYes, weight.gradient(), pass);
  if (bias.size() > 0) add_columns(dy, bias.gradient(), pass.executor);
}

template <class T>
void Linear<T>::collect(ParameterList<T>& list) {
  list.push_back(&weight);
  if (bias.size() > 0) list.push_back(&bias);
}

template class Linear<float>;
template class Linear<double>;

}  // namespace attend
