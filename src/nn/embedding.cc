#include "nn/embedding.h"

#include <algorithm>
#include <cassert>

#include "nn/affine.h"
#include "nn/chunks.h"
#include "nn/gemm.h"
#include "nn/row_kernels.h"

namespace attend {

template <class T>
Embedding<T>::Embedding(const std::string& name, int64_t count, int64_t width, double deviation)
    : table(name + ".weight", count, width, Initial::normal(deviation), Parameter<T>::Decay::kNo) {}

template <class T>
Matrix<T> Embedding<T>::forward(std::span<const int32_t> ids, Pass& pass) const {
  const ConstMatrix<T> rows = table.value();
  const Matrix<T> y = pass.arena.matrix<T>(static_cast<int64_t>(ids.size()), rows.cols);
  for_each_chunk(pass.executor, y.rows, rows_per_chunk(y.cols), [&](int64_t first, int64_t count) {
    for (int64_t r = first; r < first + count; ++r) {
      const int32_t id = ids[static_cast<size_t>(r)];
      assert(id >= 0 && id < rows.rows);
      std::copy_n(rows.row(id).data(), rows.cols, y.row(r).data());
    }
  });
  return y;
}

// Each task owns a strip of the table's columns and takes the rows of dy in order, so that two rows with one
// id never meet.
template <class T>
void Embedding<T>::backward(std::span<const int32_t> ids, ConstMatrix<T> dy, Pass& pass) {
  assert(static_cast<int64_t>(ids.size()) == dy.rows);
  constexpr int64_t kStrip = 32;
  const Matrix<T> gradient = table.gradient();
  for_each_chunk(pass.executor, dy.cols, kStrip, [&](int64_t first, int64_t count) {
    for (int64_t r = 0; r < dy.rows; ++r) {
      T* sum = gradient.row(ids[static_cast<size_t>(r)]).data() + first;
      kernels::add(sum, dy.row(r).data() + first, sum, count);
    }
  });
}

template <class T>
Matrix<T> Embedding<T>::logits(ConstMatrix<T> x, Pass& pass) const {
  const Matrix<T> y = pass.arena.matrix<T>(x.rows, table.rows());
  affine<T>(x, table.value(), nullptr, y, pass);
  return y;
}

template <class T>
Matrix<T> Embedding<T>::logits_backward(ConstMatrix<T> x, ConstMatrix<T> dlogits, Pass& pass) {
  gemm(dlogits, Transpose::kYes, x, Transpose::kNo, Accumulate::kYes, table.gradient(), pass);
  const Matrix<T> dx = pass.arena.matrix<T>(x.rows, table.cols());
  const ConstMatrix<T> rows = table.value();
  gemm(dlogits, Transpose::kNo, rows, Transpose::kNo, Accumulate::kNo, dx, pass);
  return dx;
}

template <class T>
void Embedding<T>::collect(ParameterList<T>& list) {
  list.push_back(&table);
}

template class Embedding<float>;
template class Embedding<double>;

}  // namespace attend
