// gelu(x) = x * Phi(x), with Phi the normal distribution function (Hendrycks and Gimpel 2016; the erf form).
#ifndef ATTEND_NN_GELU_H_
#define ATTEND_NN_GELU_H_

#include "base/matrix.h"
#include "nn/pass.h"

namespace attend {

template <class T>
Matrix<T> gelu(ConstMatrix<T> x, Pass& pass);

/// dx = dy * gelu'(x)
template <class T>
Matrix<T> gelu_backward(ConstMatrix<T> x, ConstMatrix<T> dy, Pass& pass);

}  // namespace attend

#endif  // ATTEND_NN_GELU_H_
