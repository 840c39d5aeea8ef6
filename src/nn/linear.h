// y = x W^T + b
#ifndef ATTEND_NN_LINEAR_H_
#define ATTEND_NN_LINEAR_H_

#include <string>

#include "nn/parameter.h"
#include "nn/pass.h"

namespace attend {

template <class T>
class Linear {
 public:
  enum class Bias { kNo, kYes };

  Linear(const std::string& name, int64_t in, int64_t out, Bias bias = Bias::kYes);
  /// The weight starts as `initial` says instead of Glorot's way.
  Linear(const std::string& name, int64_t in, int64_t out, Bias bias, const Initial& initial);

  /// x [rows, in] -> [rows, out]
  Matrix<T> forward(ConstMatrix<T> x, Pass& pass) const;
  /// dy [rows, out] -> dx [rows, in]; adds to the gradients of weight and bias.
  Matrix<T> backward(ConstMatrix<T> x, ConstMatrix<T> dy, Pass& pass);
  /// The same into `dx` [rows, in].
  void backward(ConstMatrix<T> x, ConstMatrix<T> dy, Matrix<T> dx, Pass& pass);
  /// As backward, for a layer whose input needs no gradient.
  void backward_parameters(ConstMatrix<T> x, ConstMatrix<T> dy, Pass& pass);

  int64_t in() const { return weight.cols(); }
  int64_t out() const { return weight.rows(); }
  void collect(ParameterList<T>& list);

  Parameter<T> weight;  // [out, in], "NAME.weight"
  Parameter<T> bias;    // [1, out], "NAME.bias"; [1, 0] without
};

}  // namespace attend

#endif  // ATTEND_NN_LINEAR_H_
