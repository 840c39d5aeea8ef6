#include "nn/attention_module.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "attention/sizes.h"
#include "nn/chunks.h"
#include "nn/residual.h"
#include "nn/score_kernels.h"

namespace attend {
namespace {

constexpr int64_t kWidest = 65536;

Status check_width(const char* name, int64_t width, int64_t least) {
  if (width >= least && width <= kWidest) return {};
  return {StatusCode::kInvalidArgument, std::string(name) + " is " + std::to_string(width) +
                                            ", but must be in " + std::to_string(least) + ".." +
                                            std::to_string(kWidest)};
}

/// W of <W q, k> starts so that q and k of unit variance score with unit variance: softmax begins soft,
/// whatever the width. tanh, which begins in its linear part then, is the same.
Initial unit_scores(int64_t query, int64_t key) {
  return Initial::normal(1.0 / std::sqrt(static_cast<double>(query) * static_cast<double>(key)));
}

/// `x` with zeros in the rows whose gradient is all zeros, so that what they hold (NaN, perhaps) times that
/// gradient is zero.
template <class T>
ConstMatrix<T> without_unseen(ConstMatrix<T> x, ConstMatrix<T> gradient, Pass& pass) {
  const Matrix<T> y = copy<T>(x, pass);
  for (int64_t r = 0; r < y.rows; ++r) {
    const std::span<const T> row = gradient.row(r);
    if (std::ranges::all_of(row, [](T g) { return g == T{0}; })) std::ranges::fill(y.row(r), T{0});
  }
  return y;
}

}  // namespace

Status check(const AttentionModuleShape& shape) {
  ATTEND_RETURN_IF_ERROR(check_width("query width", shape.query, 1));
  ATTEND_RETURN_IF_ERROR(check_width("key width", shape.key, 1));
  ATTEND_RETURN_IF_ERROR(check_width("value width", shape.value, 1));
  ATTEND_RETURN_IF_ERROR(check_width("projected key width", shape.projected_key, 0));
  ATTEND_RETURN_IF_ERROR(check_width("projected value width", shape.projected_value, 0));
  const bool additive = shape.score == Score::kAdditive;
  ATTEND_RETURN_IF_ERROR(check_width("hidden width", shape.hidden, additive ? 1 : 0));
  if (!additive && shape.hidden > 0) {
    return {StatusCode::kInvalidArgument, "hidden width is " + std::to_string(shape.hidden) +
                                              ", but only additive scores have one, so it must be 0"};
  }
  const bool plain = shape.score == Score::kDot || shape.score == Score::kScaledDot;
  if (!plain || shape.query == shape.key_width()) return {};
  return {StatusCode::kInvalidArgument, "query width is " + std::to_string(shape.query) +
                                            ", but the keys of its dot products have width " +
                                            std::to_string(shape.key_width())};
}

template <class T>
AttentionModule<T>::AttentionModule(const std::string& name, const AttentionModuleShape& shape)
    : shape_(shape) {
  assert(check(shape).ok());
  constexpr auto kNo = Linear<T>::Bias::kNo, kYes = Linear<T>::Bias::kYes;
  const int64_t width = shape.key_width();
  if (shape.score == Score::kTanh)
    query.emplace(name + ".query", shape.query, width, kYes, unit_scores(shape.query, width));
  if (shape.score == Score::kGeneral)
    query.emplace(name + ".query", shape.query, width, kNo, unit_scores(shape.query, width));
  if (shape.score == Score::kAdditive) {
    query.emplace(name + ".query", shape.query, shape.hidden);
    compare.emplace(name + ".compare", width, shape.hidden, kNo);
    score.emplace(name + ".score", shape.hidden, 1, kNo);
  }
  if (shape.projected_key > 0) key.emplace(name + ".key", shape.key, shape.projected_key);
  if (shape.projected_value > 0) value.emplace(name + ".value", shape.value, shape.projected_value);
}

template <class T>
KeyValues<T> AttentionModule<T>::project(ConstMatrix<T> key_input, ConstMatrix<T> value_input,
                                         Offsets offsets, Pass& pass) const {
  KeyValues<T> memory;
  memory.keys = key ? key->forward(key_input, pass) : copy<T>(key_input, pass);
  if (compare) memory.keys = compare->forward(memory.keys, pass);
  memory.values = value ? value->forward(value_input, pass) : copy<T>(value_input, pass);
  memory.offsets = offsets;
  return memory;
}

template <class T>
Matrix<T> AttentionModule<T>::forward(ConstMatrix<T> x, Offsets offsets, const KeyValues<T>& memory,
                                      Pass& pass, Activations* activations, Matrix<T> weights,
                                      ConstMatrix<bool> mask) const {
  const ConstMatrix<T> asked = ask(x, pass);
  const Matrix<T> attended = pass.arena.matrix<T>(x.rows, shape_.value_width());
  Matrix<T> lse;
  if (activations) {
    lse = pass.arena.matrix<T>(x.rows, 1);
    *activations = {x, asked, attended, lse, offsets, mask};
  }
  if (runs_on_tiles()) {
    const PackedTensors<T> tensors{{asked, 0}, {memory.keys, 0}, {memory.values, 0}, {attended, 0},
                                   lse,        weights};
    packed_attention(tensors, packed_layout(offsets, memory.offsets, mask), pass);
  } else {
    scored_attention<T>({asked, memory.keys, memory.values, attended, lse, weights}, rule(),
                        {offsets, memory.offsets, mask}, pass);
  }
  return attended;
}

template <class T>
Matrix<T> AttentionModule<T>::backward(const Activations& a, const KeyValues<T>& memory, ConstMatrix<T> dy,
                                       const MemoryGradient& memory_gradient, Pass& pass) {
  const Matrix<T> dasked = pass.arena.matrix<T>(a.asked.rows, a.asked.cols);
  if (runs_on_tiles()) {
    PackedGradientTensors<T> tensors;
    tensors.query = {a.asked, 0};
    tensors.key = {memory.keys, 0};
    tensors.value = {memory.values, 0};
    tensors.output = {a.attended, 0};
    tensors.lse = a.lse;
    tensors.output_gradient = {dy, 0};
    tensors.query_gradient = {dasked, 0};
    tensors.key_gradient = {memory_gradient.keys, 0};
    tensors.value_gradient = {memory_gradient.values, 0};
    packed_attention_backward(tensors, packed_layout(a.offsets, memory.offsets, a.mask), pass);
  } else {
    scored_attention_backward<T>(
        {a.asked, memory.keys, memory.values, a.lse, dy, dasked, memory_gradient.keys, memory_gradient.values,
         score ? score->weight.gradient() : Matrix<T>()},
        rule(), {a.offsets, memory.offsets, a.mask}, pass);
  }
  if (shape_.score == Score::kTanh) {
    for_each_chunk(pass.executor, dasked.size(), kChunkElements, [&](int64_t first, int64_t count) {
      T* const d = dasked.data + first;
      kernels::tanh_gradient(a.asked.data + first, d, d, count);
    });
  }
  return query ? query->backward(a.x, dasked, pass) : dasked;
}

template <class T>
typename AttentionModule<T>::InputGradient AttentionModule<T>::project_backward(
    ConstMatrix<T> key_input, ConstMatrix<T> value_input, const MemoryGradient& memory_gradient, Pass& pass,
    bool masked) {
  if (masked) {
    key_input = without_unseen<T>(key_input, memory_gradient.keys, pass);
    value_input = without_unseen<T>(value_input, memory_gradient.values, pass);
  }
  InputGradient gradient{memory_gradient.keys, memory_gradient.values};
  if (compare) {
    const ConstMatrix<T> keys = key ? key->forward(key_input, pass) : key_input;
    gradient.key_input = compare->backward(keys, gradient.key_input, pass);
  }
  if (key) gradient.key_input = key->backward(key_input, gradient.key_input, pass);
  if (value) gradient.value_input = value->backward(value_input, gradient.value_input, pass);
  return gradient;
}

template <class T>
void AttentionModule<T>::collect(ParameterList<T>& list) {
  for (std::optional<Linear<T>>* layer : {&query, &key, &value, &compare, &score}) {
    if (*layer) (*layer)->collect(list);
  }
}

/// The query as scores take it.
template <class T>
ConstMatrix<T> AttentionModule<T>::ask(ConstMatrix<T> x, Pass& pass) const {
  if (!query) return x;
  const Matrix<T> asked = query->forward(x, pass);
  if (shape_.score == Score::kTanh) {
    for_each_chunk(pass.executor, asked.size(), kChunkElements, [&](int64_t first, int64_t count) {
      kernels::tanh(asked.data + first, asked.data + first, count);
    });
  }
  return asked;
}

/// Whether the engine computes it: softmax of dot products of rows as wide as it takes.
template <class T>
bool AttentionModule<T>::runs_on_tiles() const {
  return shape_.weights == Weights::kSoftmax && shape_.score != Score::kAdditive &&
         shape_.key_width() <= kWidestRow && shape_.value_width() <= kWidestRow;
}

template <class T>
PackedLayout AttentionModule<T>::packed_layout(Offsets queries, Offsets keys, ConstMatrix<bool> mask) const {
  PackedLayout layout{queries, keys, 1, shape_.key_width()};
  layout.value_width = shape_.value_width();
  if (shape_.score != Score::kScaledDot) layout.scale = 1.0f;
  layout.mask = mask;
  return layout;
}

template <class T>
ScoreRule<T> AttentionModule<T>::rule() const {
  ScoreRule<T> rule;
  if (score) rule.additive = score->weight.value();
  if (shape_.score == Score::kScaledDot) rule.scale = 1 / std::sqrt(static_cast<T>(shape_.key_width()));
  rule.softmax = shape_.weights == Weights::kSoftmax;
  return rule;
}

template class AttentionModule<float>;
template class AttentionModule<double>;

}  // namespace attend
