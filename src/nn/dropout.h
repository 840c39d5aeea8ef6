// Dropout (Srivastava et al. 2014): keep an element with probability 1 - rate and scale it by 1 / (1 - rate).
#ifndef ATTEND_NN_DROPOUT_H_
#define ATTEND_NN_DROPOUT_H_

#include "base/matrix.h"
#include "base/random.h"
#include "nn/pass.h"

namespace attend {

/// A place where dropout acts. Nothing is stored but the stream's key: which elements fall is a function of
/// the key and the element's index, so that backward asks again instead of remembering.
class Dropout {
 public:
  explicit Dropout(double rate) : rate_(rate) {}

  /// The key of one forward pass; hand it to forward's and backward's apply().
  struct Activations {
    RandomKey key{};
    bool active = false;
  };

  /// Drops elements of x in place and says how, for backward. Does nothing unless pass.training and rate > 0.
  template <class T>
  Activations forward(Matrix<T> x, Pass& pass) const;
  /// The same elements of the gradient, in place.
  template <class T>
  void backward(const Activations& activations, Matrix<T> dy, Pass& pass) const;

 private:
  double rate_;
};

}  // namespace attend

#endif  // ATTEND_NN_DROPOUT_H_
