#include "nn/layer_norm.h"

#include "nn/chunks.h"
#include "nn/row_kernels.h"

namespace attend {

template <class T>
LayerNorm<T>::LayerNorm(const std::string& name, int64_t width, double epsilon)
    : gain(name + ".weight", 1, width, Initial::ones(), Parameter<T>::Decay::kNo),
      bias(name + ".bias", 1, width, Initial::zeros(), Parameter<T>::Decay::kNo),
      epsilon_(epsilon) {}

template <class T>
Matrix<T> LayerNorm<T>::forward(ConstMatrix<T> x, Pass& pass, Activations* activations) const {
  const Matrix<T> y = pass.arena.matrix<T>(x.rows, x.cols);
  if (activations) *activations = {x, pass.arena.array<T>(x.rows), pass.arena.array<T>(x.rows)};
  for_each_chunk(pass.executor, x.rows, rows_per_chunk(x.cols), [&](int64_t first, int64_t count) {
    for (int64_t r = first; r < first + count; ++r) {
      const kernels::RowScale<T> row = kernels::normalize(
          x.row(r).data(), x.cols, epsilon_, gain.value().data, bias.value().data, y.row(r).data());
      if (!activations) continue;
      activations->mean[static_cast<size_t>(r)] = row.mean;
      activations->inverse_deviation[static_cast<size_t>(r)] = row.inverse_deviation;
    }
  });
  return y;
}

// The gradients of gain and bias are sums over rows: each chunk of rows makes its own, and these are added in
// order.
template <class T>
Matrix<T> LayerNorm<T>::backward(const Activations& activations, ConstMatrix<T> dy, Pass& pass) {
  const ConstMatrix<T> x = activations.x;
  const Matrix<T> dx = pass.arena.matrix<T>(x.rows, x.cols);
  const Arena::Mark mark(pass.arena);
  const int64_t chunk = rows_per_chunk(x.cols);
  const Matrix<T> sums = pass.arena.zeros<T>((x.rows + chunk - 1) / chunk, 2 * x.cols);
  for_each_chunk(pass.executor, x.rows, chunk, [&](int64_t first, int64_t count) {
    for (int64_t r = first; r < first + count; ++r) {
      const size_t i = static_cast<size_t>(r);
      const kernels::RowScale<T> row{activations.mean[i], activations.inverse_deviation[i]};
      kernels::normalize_gradient(x.row(r).data(), dy.row(r).data(), x.cols, row, gain.value().data,
                                  dx.row(r).data(), sums.row(first / chunk).data());
    }
  });
  for (int64_t c = 0; c < sums.rows; ++c) {
    const T* sum = sums.row(c).data();
    kernels::add(gain.gradient().data, sum, gain.gradient().data, x.cols);
    kernels::add(bias.gradient().data, sum + x.cols, bias.gradient().data, x.cols);
  }
  return dx;
}

template <class T>
void LayerNorm<T>::collect(ParameterList<T>& list) {
  list.push_back(&gain);
  list.push_back(&bias);
}

template class LayerNorm<float>;
template class LayerNorm<double>;

}  // namespace attend
