#include "nn/gelu.h"

#include "nn/chunks.h"
#include "nn/row_kernels.h"

namespace attend {

template <class T>
Matrix<T> gelu(ConstMatrix<T> x, Pass& pass) {
  const Matrix<T> y = pass.arena.matrix<T>(x.rows, x.cols);
  for_each_chunk(pass.executor, x.size(), kChunkElements,
                 [&](int64_t first, int64_t count) { kernels::gelu(x.data + first, y.data + first, count); });
  return y;
}

template <class T>
Matrix<T> gelu_backward(ConstMatrix<T> x, ConstMatrix<T> dy, Pass& pass) {
  const Matrix<T> dx = pass.arena.matrix<T>(x.rows, x.cols);
  for_each_chunk(pass.executor, x.size(), kChunkElements, [&](int64_t first, int64_t count) {
    kernels::gelu_gradient(x.data + first, dy.data + first, dx.data + first, count);
  });
  return dx;
}

template Matrix<float> gelu(ConstMatrix<float>, Pass&);
template Matrix<double> gelu(ConstMatrix<double>, Pass&);
template Matrix<float> gelu_backward(ConstMatrix<float>, ConstMatrix<float>, Pass&);
template Matrix<double> gelu_backward(ConstMatrix<double>, ConstMatrix<double>, Pass&);

}  // namespace attend
