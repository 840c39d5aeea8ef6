// What a residual connection does to rows: x + f(x) in forward, and sums of gradients in backward.
#ifndef ATTEND_NN_RESIDUAL_H_
#define ATTEND_NN_RESIDUAL_H_

#include <algorithm>
#include <cassert>

#include "base/matrix.h"
#include "nn/chunks.h"
#include "nn/pass.h"
#include "nn/row_kernels.h"

namespace attend {

/// y += x
template <class T>
void add_to(Matrix<T> y, ConstMatrix<T> x, Pass& pass) {
  assert(x.rows == y.rows && x.cols == y.cols);
  for_each_chunk(pass.executor, y.size(), kChunkElements, [&](int64_t first, int64_t count) {
    kernels::add(y.data + first, x.data + first, y.data + first, count);
  });
}

/// A copy of x in the arena.
template <class T>
Matrix<T> copy(ConstMatrix<T> x, Pass& pass) {
  const Matrix<T> y = pass.arena.matrix<T>(x.rows, x.cols);
  for_each_chunk(pass.executor, y.size(), kChunkElements,
                 [&](int64_t first, int64_t count) { std::copy_n(x.data + first, count, y.data + first); });
  return y;
}

}  // namespace attend

#endif  // ATTEND_NN_RESIDUAL_H_
