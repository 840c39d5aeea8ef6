#include "nn/dropout.h"

#include <algorithm>
#include <cmath>

#include "nn/chunks.h"
#include "nn/row_kernels.h"

namespace attend {
namespace {

// The rate is rounded to 1 / 65536, the resolution of the kernels' 16 random bits an element, and survivors
// are scaled by the rounded rate, so that the expectation is exact.
kernels::DropRule drop_rule(double rate, const RandomKey& key) {
  const double threshold = std::clamp(std::round(rate * 65536.0), 0.0, 65535.0);
  return {key, static_cast<uint32_t>(threshold), 65536.0 / (65536.0 - threshold)};
}

template <class T>
void drop_elements(Matrix<T> x, const kernels::DropRule& rule, Executor& executor) {
  for_each_chunk(executor, x.size(), kChunkElements,
                 [&](int64_t first, int64_t count) { kernels::drop(x.data + first, first, count, rule); });
}

}  // namespace

template <class T>
Dropout::Activations Dropout::forward(Matrix<T> x, Pass& pass) const {
  if (!pass.training || rate_ <= 0.0) return {};
  const Activations activations{pass.next_key(), true};
  backward(activations, x, pass);
  return activations;
}

template <class T>
void Dropout::backward(const Activations& activations, Matrix<T> dy, Pass& pass) const {
  if (activations.active) drop_elements(dy, drop_rule(rate_, activations.key), pass.executor);
}

template Dropout::Activations Dropout::forward(Matrix<float>, Pass&) const;
template Dropout::Activations Dropout::forward(Matrix<double>, Pass&) const;
template void Dropout::backward(const Activations&, Matrix<float>, Pass&) const;
template void Dropout::backward(const Activations&, Matrix<double>, Pass&) const;

}  // namespace attend
