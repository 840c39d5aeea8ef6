#include "language/text_decoder.h"

#include <algorithm>
#include <cassert>

#include "nn/residual.h"

namespace attend {

template <class T>
TextDecoder<T>::TextDecoder(const std::string& name, const TextDecoderShape& shape)
    : embedding(name, {shape.vocabulary, shape.max_length, shape.block.width, shape.positions,
                       shape.embedding_dropout}),
      shape_(shape),
      norm_(name + ".norm", shape.block.width) {
  blocks_.reserve(static_cast<size_t>(shape.layers));
  for (int i = 0; i < shape.layers; ++i) {
    blocks_.emplace_back(name + ".blocks." + std::to_string(i), shape.block);
  }
}

template <class T>
typename TextDecoder<T>::Memory TextDecoder<T>::remember(ConstMatrix<T> key_input, ConstMatrix<T> value_input,
                                                         Offsets offsets, Pass& pass) const {
  Memory memory;
  memory.reserve(blocks_.size());
  for (const DecoderBlock<T>& block : blocks_) {
    memory.push_back(block.cross_attention.project(key_input, value_input, offsets, pass));
  }
  return memory;
}

template <class T>
Matrix<T> TextDecoder<T>::forward(std::span<const int32_t> words,
                                  const typename DecoderBlock<T>::Layout& layout, const Memory& memory,
                                  Pass& pass, Activations* activations) const {
  assert(memory.size() == blocks_.size());
  Matrix<T> x = embedding.forward(words, layout.sequences, pass,
                                  activations ? &activations->embedding : nullptr);  // [rows, width]
  if (activations) activations->blocks.resize(blocks_.size());
  for (size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i].forward(x, layout, memory[i], pass, activations ? &activations->blocks[i] : nullptr);
  }
  const Matrix<T> state = norm_.forward(x, pass, activations ? &activations->norm : nullptr);
  if (activations) activations->state = state;
  return embedding.logits(state, pass);
}

template <class T>
typename TextDecoder<T>::MemoryInputGradient TextDecoder<T>::backward(const Activations& activations,
                                                                      ConstMatrix<T> key_input,
                                                                      ConstMatrix<T> value_input,
                                                                      const Memory& memory,
                                                                      ConstMatrix<T> dlogits, Pass& pass) {
  Matrix<T> dx =
      norm_.backward(activations.norm, embedding.logits_backward(activations.state, dlogits, pass), pass);
  MemoryInputGradient sum = {pass.arena.template zeros<T>(key_input.rows, key_input.cols),
                             pass.arena.template zeros<T>(value_input.rows, value_input.cols)};
  for (size_t i = blocks_.size(); i-- > 0;) {
    const typename CrossAttention<T>::MemoryGradient projected = {
        pass.arena.template matrix<T>(memory[i].keys.rows, memory[i].keys.cols),
        pass.arena.template matrix<T>(memory[i].values.rows, memory[i].values.cols)};
    dx = blocks_[i].backward(activations.blocks[i], memory[i], dx, projected, pass);
    // What the projection back makes is added up at once, so its memory is free again for the next layer.
    const Arena::Mark mark(pass.arena);
    const auto input = blocks_[i].cross_attention.project_backward(key_input, value_input, projected, pass);
    add_to<T>(sum.key_input, input.key_input, pass);
    add_to<T>(sum.value_input, input.value_input, pass);
  }
  embedding.backward(activations.embedding, dx, pass);
  return sum;
}

template <class T>
Matrix<T> TextDecoder<T>::step(std::span<const int32_t> words, Offsets groups, const Memory& memory,
                               std::vector<KeyValueCache<T>>& caches, Pass& pass, Matrix<T> weights) const {
  assert(memory.size() == blocks_.size() && caches.size() == blocks_.size());
  const int64_t position = caches.empty() ? 0 : caches.front().length();
  Matrix<T> x = embedding.step(words, position, pass);  // [rows, width]

  Matrix<T> layer_weights;
  if (weights.present()) {
    layer_weights = pass.arena.template matrix<T>(weights.rows, weights.cols);
    std::ranges::fill(weights.values(), T{0});
  }
  for (size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i].step(x, groups, memory[i], caches[i], pass, layer_weights);
    if (weights.present()) add_to<T>(weights, layer_weights, pass);
  }
  if (weights.present()) {
    for (T& w : weights.values()) w /= static_cast<T>(blocks_.size());
  }
  return embedding.logits(norm_.forward(x, pass), pass);
}

template <class T>
void TextDecoder<T>::collect(ParameterList<T>& list) {
  embedding.collect(list);
  for (DecoderBlock<T>& block : blocks_) block.collect(list);
  norm_.collect(list);
}

template class TextDecoder<float>;
template class TextDecoder<double>;

}  // namespace attend
