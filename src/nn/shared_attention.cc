#include "nn/shared_attention.h"

#include <cassert>

#include "nn/call_attention.h"

namespace attend {

Matrix<float> attend_to_shared(ConstMatrix<float> query, ConstMatrix<float> keys, ConstMatrix<float> values,
                               const Heads& heads, Pass& pass, const AttentionExtras& extras) {
  const int64_t width = query.cols, rows = query.rows, head = width / heads.count;
  const Matrix<float> attended = pass.arena.matrix<float>(rows, width);
  AttentionTensors tensors;
  tensors.query = {query.data, {1, heads.count, rows, head}, {rows * width, head, width, 1}};
  tensors.key = {keys.data, {1, heads.count, keys.rows, head}, {keys.rows * width, head, width, 1}};
  tensors.value = {values.data, {1, heads.count, values.rows, head}, {values.rows * width, head, width, 1}};
  tensors.output = {attended.data, {1, heads.count, rows, head}, {rows * width, head, width, 1}};
  if (extras.lse.present()) {
    tensors.lse = {extras.lse.data, {1, heads.count, rows, 1}, {rows * heads.count, 1, heads.count, 1}};
  }
  if (extras.weights.present()) {
    tensors.weights = {extras.weights.data,
                       {1, heads.count, rows, keys.rows},
                       {rows * heads.count * keys.rows, keys.rows, heads.count * keys.rows, 1}};
  }
  AttentionOptions options;
  options.scale = heads.scale;
  call_attention(tensors, options, pass);
  return attended;
}

Matrix<float> attend_to_past(ConstMatrix<float> query, const KeyValueCache<float>& cache, const Heads& heads,
                             Pass& pass, const AttentionExtras& extras) {
  const int64_t width = query.cols, head = width / heads.count, sequences = cache.sequences();
  const int64_t rows = query.rows / sequences;  // of each sequence
  assert(rows * sequences == query.rows && cache.width() == width && !extras.weights.present());
  const Matrix<float> attended = pass.arena.matrix<float>(query.rows, width);
  const Shape asked{sequences, heads.count, rows, head}, asked_strides{rows * width, head, width, 1};
  const Shape past{sequences, heads.count, cache.length(), head};
  const Shape past_strides{cache.capacity() * width, head, width, 1};
  AttentionTensors tensors;
  tensors.query = {query.data, asked, asked_strides};
  tensors.key = {cache.keys(), past, past_strides};
  tensors.value = {cache.values(), past, past_strides};
  tensors.output = {attended.data, asked, asked_strides};
  if (extras.lse.present()) {
    tensors.lse = {
        extras.lse.data, {sequences, heads.count, rows, 1}, {rows * heads.count, 1, heads.count, 1}};
  }
  AttentionOptions options;
  options.scale = heads.scale;
  options.causal = Causal::kLowerRight;
  call_attention(tensors, options, pass);
  return attended;
}

}  // namespace attend
