#include "nn/parameter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/random.h"

namespace attend {
namespace {

// FNV-1a (Fowler, Noll and Vo): a parameter's stream follows from its name, so that adding a layer leaves the
// others' initial values as they were.
uint64_t hash(const std::string& text) {
  uint64_t h = 0xcbf29ce484222325u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
  return h;
}

double draw(const Initial& initial, const RandomKey& key, uint64_t index) {
  switch (initial.rule) {
    case Initial::Rule::kZeros:
      return 0.0;
    case Initial::Rule::kOnes:
      return 1.0;
    case Initial::Rule::kNormal:
      return initial.spread * key.normal(index);
    case Initial::Rule::kUniform:
      return initial.spread * (2.0 * key.uniform(index) - 1.0);
  }
  return 0.0;
}

template <class T>
AlignedBytes allocate_zeros(int64_t count) {
  AlignedBytes bytes = allocate_aligned(static_cast<size_t>(count) * sizeof(T));
  std::fill_n(reinterpret_cast<T*>(bytes.get()), count, T{0});
  return bytes;
}

}  // namespace

Initial Initial::glorot(int64_t in, int64_t out) {
  return {Rule::kUniform, std::sqrt(6.0 / static_cast<double>(in + out))};
}

template <class T>
Parameter<T>::Parameter(std::string name, int64_t rows, int64_t cols, Initial initial, Decay decay)
    : name_(std::move(name)),
      rows_(rows),
      cols_(cols),
      initial_(initial),
      decay_(decay),
      value_(allocate_zeros<T>(rows * cols)) {}

template <class T>
std::vector<int64_t> Parameter<T>::shape() const {
  if (rows_ == 1) return {cols_};
  return {rows_, cols_};
}

template <class T>
Matrix<T> Parameter<T>::gradient() {
  if (!gradient_) gradient_ = allocate_zeros<T>(size());
  return {reinterpret_cast<T*>(gradient_.get()), rows_, cols_};
}

template <class T>
void initialize(const ParameterList<T>& parameters, uint64_t seed) {
  for (Parameter<T>* parameter : parameters) {
    const RandomKey key = RandomKey(seed).child(hash(parameter->name()));
    uint64_t index = 0;
    for (T& value : parameter->value().values()) {
      value = static_cast<T>(draw(parameter->initial(), key, index++));
    }
  }
}

template <class T>
void zero_gradients(const ParameterList<T>& parameters) {
  for (Parameter<T>* parameter : parameters) {
    const Matrix<T> gradient = parameter->gradient();
    std::fill_n(gradient.data, gradient.size(), T{0});
  }
}

template class Parameter<float>;
template class Parameter<double>;
template void initialize(const ParameterList<float>&, uint64_t);
template void initialize(const ParameterList<double>&, uint64_t);
template void zero_gradients(const ParameterList<float>&);
template void zero_gradients(const ParameterList<double>&);

}  // namespace attend
