// y = (x - mean) / sqrt(variance + epsilon) * gain + bias, row by row (Ba, Kiros and Hinton 2016).
#ifndef ATTEND_NN_LAYER_NORM_H_
#define ATTEND_NN_LAYER_NORM_H_

#include <span>
#include <string>

#include "nn/parameter.h"
#include "nn/pass.h"

namespace attend {

template <class T>
class LayerNorm {
 public:
  explicit LayerNorm(const std::string& name, int64_t width, double epsilon = 1e-5);

  /// What backward needs: one mean and one 1 / sqrt(variance + epsilon) a row.
  struct Activations {
    ConstMatrix<T> x;
    std::span<T> mean, inverse_deviation;
  };

  /// x [rows, width] -> [rows, width]. Without activations, nothing is kept for backward.
  Matrix<T> forward(ConstMatrix<T> x, Pass& pass, Activations* activations = nullptr) const;
  /// dy [rows, width] -> dx [rows, width]; adds to the gradients of gain and bias.
  Matrix<T> backward(const Activations& activations, ConstMatrix<T> dy, Pass& pass);

  void collect(ParameterList<T>& list);

  Parameter<T> gain;  // [1, width], "NAME.weight"
  Parameter<T> bias;  // [1, width], "NAME.bias"

 private:
  double epsilon_;
};

}  // namespace attend

#endif  // ATTEND_NN_LAYER_NORM_H_
