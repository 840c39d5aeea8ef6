// How a decoder looks at its memory: multi-head attention, or a learned module of one head. All of them give
// rows of the decoder's width, by a last projection of their own.
#ifndef ATTEND_NN_MEMORY_ATTENTION_H_
#define ATTEND_NN_MEMORY_ATTENTION_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "nn/attention_module.h"
#include "nn/multi_head_attention.h"

namespace attend {

enum class MemoryAttentionKind { kMultiHead, kTanh, kAdditive, kGeneral, kDot, kScaledDot };

/// Every kind and its name in files and options.
inline constexpr std::array<std::pair<std::string_view, MemoryAttentionKind>, 6> kMemoryAttentions = {
    {{"multihead", MemoryAttentionKind::kMultiHead},
     {"tanh", MemoryAttentionKind::kTanh},
     {"additive", MemoryAttentionKind::kAdditive},
     {"general", MemoryAttentionKind::kGeneral},
     {"dot", MemoryAttentionKind::kDot},
     {"scaled_dot", MemoryAttentionKind::kScaledDot}}};

std::string_view name_of(MemoryAttentionKind kind);
std::optional<MemoryAttentionKind> memory_attention_of(std::string_view name);

/// A module without projections of keys and values, all widths alike, weights by softmax; then a linear
/// layer.
template <class T>
class ModuleAttention {
 public:
  ModuleAttention(const std::string& name, int64_t width, Score score);

  struct Activations {
    typename AttentionModule<T>::Activations module;
    Matrix<T> attended;  // [rows, width]
  };

  KeyValues<T> project(ConstMatrix<T> key_input, ConstMatrix<T> value_input, Offsets offsets,
                       Pass& pass) const;
  Matrix<T> forward(ConstMatrix<T> x, Offsets offsets, const KeyValues<T>& memory, Pass& pass,
                    Activations* activations, Matrix<T> weights = {}) const;

  using MemoryGradient = typename CrossAttention<T>::MemoryGradient;
  using InputGradient = typename CrossAttention<T>::InputGradient;
  Matrix<T> backward(const Activations& activations, const KeyValues<T>& memory, ConstMatrix<T> dy,
                     const MemoryGradient& memory_gradient, Pass& pass);
  InputGradient project_backward(ConstMatrix<T> key_input, ConstMatrix<T> value_input,
                                 const MemoryGradient& memory_gradient, Pass& pass);
  void collect(ParameterList<T>& list);

  AttentionModule<T> module;  // "NAME..."
  Linear<T> out;              // "NAME.out"
};

/// One of the kinds; every function as in CrossAttention.
template <class T>
class MemoryAttention {
 public:
  /// Multi-head attention has `heads`, a module one.
  MemoryAttention(const std::string& name, int64_t width, int heads, MemoryAttentionKind kind);

  using Activations =
      std::variant<typename CrossAttention<T>::Activations, typename ModuleAttention<T>::Activations>;

  KeyValues<T> project(ConstMatrix<T> key_input, ConstMatrix<T> value_input, Offsets offsets,
                       Pass& pass) const;
  Matrix<T> forward(ConstMatrix<T> x, Offsets offsets, const KeyValues<T>& memory, Pass& pass,
                    Activations* activations, Matrix<T> weights = {}) const;

  using MemoryGradient = typename CrossAttention<T>::MemoryGradient;
  using InputGradient = typename CrossAttention<T>::InputGradient;
  Matrix<T> backward(const Activations& activations, const KeyValues<T>& memory, ConstMatrix<T> dy,
                     const MemoryGradient& memory_gradient, Pass& pass);
  InputGradient project_backward(ConstMatrix<T> key_input, ConstMatrix<T> value_input,
                                 const MemoryGradient& memory_gradient, Pass& pass);
  void collect(ParameterList<T>& list);

 private:
  std::variant<CrossAttention<T>, ModuleAttention<T>> layer_;
};

}  // namespace attend

#endif  // ATTEND_NN_MEMORY_ATTENTION_H_
