// The position-wise network of a Transformer: widen, gelu, narrow.
#ifndef ATTEND_NN_FEED_FORWARD_H_
#define ATTEND_NN_FEED_FORWARD_H_

#include <string>

#include "nn/linear.h"

namespace attend {

template <class T>
class FeedForward {
 public:
  FeedForward(const std::string& name, int64_t width, int64_t hidden);

  struct Activations {
    ConstMatrix<T> x;  // [rows, width]
    Matrix<T> wide;    // [rows, hidden], before gelu
    Matrix<T> active;  // [rows, hidden], after gelu
  };

  Matrix<T> forward(ConstMatrix<T> x, Pass& pass, Activations* activations) const;
  Matrix<T> backward(const Activations& activations, ConstMatrix<T> dy, Pass& pass);
  void collect(ParameterList<T>& list);

  Linear<T> up, down;  // "NAME.up", "NAME.down"
};

}  // namespace attend

#endif  // ATTEND_NN_FEED_FORWARD_H_
