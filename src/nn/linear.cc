#include "nn/linear.h"

#include "nn/affine.h"
#include "nn/chunks.h"
#include "nn/gemm.h"
#include "nn/row_kernels.h"

namespace attend {
namespace {

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
  affine<T>(x, weight.value(), bias.size() > 0 ? bias.value().data : nullptr, y, pass);
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
