#include "nn/memory_attention.h"

#include <algorithm>

namespace attend {
namespace {

Score score_of(MemoryAttentionKind kind) {
  switch (kind) {
    case MemoryAttentionKind::kTanh:
      return Score::kTanh;
    case MemoryAttentionKind::kAdditive:
      return Score::kAdditive;
    case MemoryAttentionKind::kGeneral:
      return Score::kGeneral;
    case MemoryAttentionKind::kDot:
      return Score::kDot;
    case MemoryAttentionKind::kMultiHead:  // not asked
    case MemoryAttentionKind::kScaledDot:
      break;
  }
  return Score::kScaledDot;
}

AttentionModuleShape module_shape(int64_t width, Score score) {
  AttentionModuleShape shape;
  shape.score = score;
  shape.query = shape.key = shape.value = width;
  shape.hidden = score == Score::kAdditive ? width : 0;
  return shape;
}

template <class T>
std::variant<CrossAttention<T>, ModuleAttention<T>> make_layer(const std::string& name, int64_t width,
                                                               int heads, MemoryAttentionKind kind) {
  if (kind == MemoryAttentionKind::kMultiHead) return CrossAttention<T>(name, width, heads);
  return ModuleAttention<T>(name, width, score_of(kind));
}

}  // namespace

std::string_view name_of(MemoryAttentionKind kind) {
  return std::ranges::find(kMemoryAttentions, kind, [](const auto& entry) { return entry.second; })->first;
}

std::optional<MemoryAttentionKind> memory_attention_of(std::string_view name) {
  for (const auto& [known, kind] : kMemoryAttentions) {
    if (known == name) return kind;
  }
  return std::nullopt;
}

template <class T>
ModuleAttention<T>::ModuleAttention(const std::string& name, int64_t width, Score score)
    : module(name, module_shape(width, score)), out(name + ".out", width, width) {}

template <class T>
KeyValues<T> ModuleAttention<T>::project(ConstMatrix<T> key_input, ConstMatrix<T> value_input,
                                         Offsets offsets, Pass& pass) const {
  return module.project(key_input, value_input, offsets, pass);
}

template <class T>
Matrix<T> ModuleAttention<T>::forward(ConstMatrix<T> x, Offsets offsets, const KeyValues<T>& memory,
                                      Pass& pass, Activations* activations, Matrix<T> weights) const {
  const Matrix<T> attended =
      module.forward(x, offsets, memory, pass, activations ? &activations->module : nullptr, weights);
  if (activations) activations->attended = attended;
  return out.forward(attended, pass);
}

template <class T>
Matrix<T> ModuleAttention<T>::backward(const Activations& a, const KeyValues<T>& memory, ConstMatrix<T> dy,
                                       const MemoryGradient& memory_gradient, Pass& pass) {
  return module.backward(a.module, memory, out.backward(a.attended, dy, pass), memory_gradient, pass);
}

template <class T>
typename ModuleAttention<T>::InputGradient ModuleAttention<T>::project_backward(
    ConstMatrix<T> key_input, ConstMatrix<T> value_input, const MemoryGradient& memory_gradient, Pass& pass) {
  return module.project_backward(key_input, value_input, memory_gradient, pass);
}

template <class T>
void ModuleAttention<T>::collect(ParameterList<T>& list) {
  module.collect(list);
  out.collect(list);
}

template <class T>
MemoryAttention<T>::MemoryAttention(const std::string& name, int64_t width, int heads,
                                    MemoryAttentionKind kind)
    : layer_(make_layer<T>(name, width, heads, kind)) {}

template <class T>
KeyValues<T> MemoryAttention<T>::project(ConstMatrix<T> key_input, ConstMatrix<T> value_input,
                                         Offsets offsets, Pass& pass) const {
  return std::visit([&](const auto& layer) { return layer.project(key_input, value_input, offsets, pass); },
                    layer_);
}

template <class T>
Matrix<T> MemoryAttention<T>::forward(ConstMatrix<T> x, Offsets offsets, const KeyValues<T>& memory,
                                      Pass& pass, Activations* activations, Matrix<T> weights) const {
  return std::visit(
      [&]<class Layer>(const Layer& layer) {
        using Kept = typename Layer::Activations;
        Kept* const kept = activations ? &activations->template emplace<Kept>() : nullptr;
        return layer.forward(x, offsets, memory, pass, kept, weights);
      },
      layer_);
}

template <class T>
Matrix<T> MemoryAttention<T>::backward(const Activations& a, const KeyValues<T>& memory, ConstMatrix<T> dy,
                                       const MemoryGradient& memory_gradient, Pass& pass) {
  return std::visit(
      [&]<class Layer>(Layer& layer) {
        return layer.backward(std::get<typename Layer::Activations>(a), memory, dy, memory_gradient, pass);
      },
      layer_);
}

template <class T>
typename MemoryAttention<T>::InputGradient MemoryAttention<T>::project_backward(
    ConstMatrix<T> key_input, ConstMatrix<T> value_input, const MemoryGradient& memory_gradient, Pass& pass) {
  return std::visit(
      [&](auto& layer) { return layer.project_backward(key_input, value_input, memory_gradient, pass); },
      layer_);
}

template <class T>
void MemoryAttention<T>::collect(ParameterList<T>& list) {
  std::visit([&](auto& layer) { layer.collect(list); }, layer_);
}

template class ModuleAttention<float>;
template class ModuleAttention<double>;
template class MemoryAttention<float>;
template class MemoryAttention<double>;

}  // namespace attend
