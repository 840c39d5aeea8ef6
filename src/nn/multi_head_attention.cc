#include "nn/multi_head_attention.h"

#include <algorithm>
#include <cassert>

#include "nn/call_attention.h"
#include "nn/packed_attention.h"

namespace attend {

template <class T>
SelfAttention<T>::SelfAttention(const std::string& name, int64_t width, int heads)
    : qkv(name + ".qkv", width, 3 * width), out(name + ".out", width, width), heads_(heads) {
  assert(heads > 0 && width % heads == 0);
}

template <class T>
Matrix<T> SelfAttention<T>::forward(ConstMatrix<T> x, Offsets offsets, Causal causal, Pass& pass,
                                    Activations* activations) const {
  const int64_t width = out.in();
  const Matrix<T> projected = qkv.forward(x, pass);                // [rows, 3 * width]
  const Matrix<T> attended = pass.arena.matrix<T>(x.rows, width);  // [rows, width]
  Matrix<T> lse;
  if (activations) {
    lse = pass.arena.matrix<T>(x.rows, heads_);
    *activations = {x, projected, attended, lse, offsets, causal};
  }
  const PackedTensors<T> tensors{
      {projected, 0}, {projected, width}, {projected, 2 * width}, {attended, 0}, lse, {}};
  packed_attention(tensors, {offsets, offsets, heads_, width / heads_, causal}, pass);
  return out.forward(attended, pass);
}

template <class T>
Matrix<T> SelfAttention<T>::backward(const Activations& a, ConstMatrix<T> dy, Pass& pass) {
  const int64_t width = out.in();
  const Matrix<T> dx = pass.arena.matrix<T>(a.x.rows, width);
  const Arena::Mark mark(pass.arena);
  const Matrix<T> dattended = out.backward(a.attended, dy, pass);  // [rows, width]
  const Matrix<T> dqkv = pass.arena.matrix<T>(a.x.rows, 3 * width);
  PackedGradientTensors<T> tensors;
  tensors.query = {a.qkv, 0};
  tensors.key = {a.qkv, width};
  tensors.value = {a.qkv, 2 * width};
  tensors.output = {a.attended, 0};
  tensors.lse = a.lse;
  tensors.output_gradient = {dattended, 0};
  tensors.query_gradient = {dqkv, 0};
  tensors.key_gradient = {dqkv, width};
  tensors.value_gradient = {dqkv, 2 * width};
  packed_attention_backward(tensors, {a.offsets, a.offsets, heads_, width / heads_, a.causal}, pass);
  qkv.backward(a.x, dqkv, dx, pass);
  return dx;
}

template <class T>
Matrix<T> SelfAttention<T>::step(ConstMatrix<T> x, KeyValueCache<T>& cache, Pass& pass) const {
  assert(x.rows == cache.sequences() && cache.length() < cache.capacity() && cache.width() == out.in());
  const int64_t width = out.in(), rows = x.rows;
  const Matrix<T> projected = qkv.forward(x, pass);
  for (int64_t s = 0; s < rows; ++s) {
    const T* row = projected.row(s).data();
    std::copy_n(row + width, width, cache.next_key(s).data());
    std::copy_n(row + 2 * width, width, cache.next_value(s).data());
  }
  cache.advance();

  const Matrix<T> attended = pass.arena.matrix<T>(rows, width);
  const int64_t head = width / heads_;
  const Shape past{rows, heads_, cache.length(), head};
  const Shape past_strides{cache.capacity() * width, head, width, 1};
  AttentionTensors tensors;
  tensors.query = {projected.data, {rows, heads_, 1, head}, {3 * width, head, 3 * width, 1}};
  tensors.key = {cache.keys(), past, past_strides};
  tensors.value = {cache.values(), past, past_strides};
  tensors.output = {attended.data, {rows, heads_, 1, head}, {width, head, width, 1}};
  call_attention(tensors, {}, pass);
  return out.forward(attended, pass);
}

template <class T>
void SelfAttention<T>::collect(ParameterList<T>& list) {
  qkv.collect(list);
  out.collect(list);
}

template class SelfAttention<float>;
template class SelfAttention<double>;

}  // namespace attend
