#include "nn/feed_forward.h"

#include "nn/gelu.h"

namespace attend {

template <class T>
FeedForward<T>::FeedForward(const std::string& name, int64_t width, int64_t hidden)
    : up(name + ".up", width, hidden), down(name + ".down", hidden, width) {}

template <class T>
Matrix<T> FeedForward<T>::forward(ConstMatrix<T> x, Pass& pass, Activations* activations) const {
  const Matrix<T> wide = up.forward(x, pass);    // [rows, hidden]
  const Matrix<T> active = gelu<T>(wide, pass);  // [rows, hidden]
  if (activations) *activations = {x, wide, active};
  return down.forward(active, pass);
}

template <class T>
Matrix<T> FeedForward<T>::backward(const Activations& activations, ConstMatrix<T> dy, Pass& pass) {
  const Matrix<T> dx = pass.arena.matrix<T>(dy.rows, up.in());
  const Arena::Mark mark(pass.arena);
  const Matrix<T> dactive = down.backward(activations.active, dy, pass);      // [rows, hidden]
  const Matrix<T> dwide = gelu_backward<T>(activations.wide, dactive, pass);  // [rows, hidden]
  up.backward(activations.x, dwide, dx, pass);
  return dx;
}

template <class T>
void FeedForward<T>::collect(ParameterList<T>& list) {
  up.collect(list);
  down.collect(list);
}

template class FeedForward<float>;
template class FeedForward<double>;

}  // namespace attend
