#include <algorithm>
#include <cassert>

#include "nn/multi_head_attention.h"
#include "nn/packed_attention.h"

namespace attend {

template <class T>
CrossAttention<T>::CrossAttention(const std::string& name, int64_t width, int heads)
    : query(name + ".query", width, width),
      key(name + ".key", width, width),
      value(name + ".value", width, width),
      out(name + ".out", width, width),
      heads_(heads) {
  assert(heads > 0 && width % heads == 0);
}

template <class T>
KeyValues<T> CrossAttention<T>::project(ConstMatrix<T> key_input, ConstMatrix<T> value_input, Offsets offsets,
                                        Pass& pass) const {
  return {key.forward(key_input, pass), value.forward(value_input, pass), offsets};
}

template <class T>
Matrix<T> CrossAttention<T>::forward(ConstMatrix<T> x, Offsets offsets, const KeyValues<T>& memory,
                                     Pass& pass, Activations* activations, Matrix<T> weights) const {
  const int64_t width = out.in();
  const Matrix<T> projected = query.forward(x, pass);              // [rows, width]
  const Matrix<T> attended = pass.arena.matrix<T>(x.rows, width);  // [rows, width]
  Matrix<T> lse;
  if (activations) {
    lse = pass.arena.matrix<T>(x.rows, heads_);
    *activations = {x, projected, attended, lse, offsets};
  }
  const PackedTensors<T> tensors{{projected, 0}, {memory.keys, 0}, {memory.values, 0}, {attended, 0}, lse,
                                 weights};
  packed_attention(tensors, {offsets, memory.offsets, heads_, width / heads_}, pass);
  return out.forward(attended, pass);
}

template <class T>
Matrix<T> CrossAttention<T>::backward(const Activations& a, const KeyValues<T>& memory, ConstMatrix<T> dy,
                                      const MemoryGradient& memory_gradient, Pass& pass) {
  const int64_t width = out.in();
  const Matrix<T> dx = pass.arena.matrix<T>(a.x.rows, width);
  const Arena::Mark mark(pass.arena);
  const Matrix<T> dattended = out.backward(a.attended, dy, pass);  // [rows, width]
  const Matrix<T> dquery = pass.arena.matrix<T>(a.x.rows, width);
  PackedGradientTensors<T> tensors;
  tensors.query = {a.query, 0};
  tensors.key = {memory.keys, 0};
  tensors.value = {memory.values, 0};
  tensors.output = {a.attended, 0};
  tensors.lse = a.lse;
  tensors.output_gradient = {dattended, 0};
  tensors.query_gradient = {dquery, 0};
  tensors.key_gradient = {memory_gradient.keys, 0};
  tensors.value_gradient = {memory_gradient.values, 0};
  packed_attention_backward(tensors, {a.offsets, memory.offsets, heads_, width / heads_}, pass);
  query.backward(a.x, dquery, dx, pass);
  return dx;
}

template <class T>
typename CrossAttention<T>::InputGradient CrossAttention<T>::project_backward(
    ConstMatrix<T> key_input, ConstMatrix<T> value_input, const MemoryGradient& memory_gradient, Pass& pass) {
  return {key.backward(key_input, memory_gradient.keys, pass),
          value.backward(value_input, memory_gradient.values, pass)};
}

template <class T>
void CrossAttention<T>::collect(ParameterList<T>& list) {
  query.collect(list);
  key.collect(list);
  value.collect(list);
  out.collect(list);
}

template class CrossAttention<float>;
template class CrossAttention<double>;

}  // namespace attend
