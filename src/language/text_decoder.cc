#include "language/text_decoder.h"

#include <algorithm>
#include <cassert>

#include "nn/residual.h"

namespace attend {
namespace {

/// The spread of a fresh embedding: small, so that tied output weights start with nearly even odds.
constexpr double kEmbeddingDeviation = 0.02;

/// 0, 1, 2, ... from the first row of each sequence.
std::vector<int32_t> positions_of(Offsets sequences) {
  std::vector<int32_t> positions;
  positions.reserve(static_cast<size_t>(sequences.back()));
  for (size_t s = 0; s + 1 < sequences.size(); ++s) {
    for (int64_t i = 0; i < sequences[s + 1] - sequences[s]; ++i)
      positions.push_back(static_cast<int32_t>(i));
  }
  return positions;
}

}  // namespace

template <class T>
TextDecoder<T>::TextDecoder(const std::string& name, const TextDecoderShape& shape)
    : shape_(shape),
      words_(name + ".words", shape.vocabulary, shape.block.width, kEmbeddingDeviation),
      positions_(name + ".positions", shape.max_length, shape.block.width, kEmbeddingDeviation),
      dropout_(shape.embedding_dropout),
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
  std::vector<int32_t> positions = positions_of(layout.sequences);
  assert(positions.size() == words.size());
  Matrix<T> x = words_.forward(words, pass);  // [rows, width]
  add_to<T>(x, positions_.forward(positions, pass), pass);
  const Dropout::Activations dropout = dropout_.forward(x, pass);
  if (activations) {
    activations->words.assign(words.begin(), words.end());
    activations->positions = std::move(positions);
    activations->dropout = dropout;
    activations->blocks.resize(blocks_.size());
  }
  for (size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i].forward(x, layout, memory[i], pass, activations ? &activations->blocks[i] : nullptr);
  }
  const Matrix<T> state = norm_.forward(x, pass, activations ? &activations->norm : nullptr);
  if (activations) activations->state = state;
  return words_.logits(state, pass);
}

template <class T>
typename TextDecoder<T>::MemoryInputGradient TextDecoder<T>::backward(const Activations& activations,
                                                                      ConstMatrix<T> key_input,
                                                                      ConstMatrix<T> value_input,
                                                                      const Memory& memory,
                                                                      ConstMatrix<T> dlogits, Pass& pass) {
  Matrix<T> dx =
      norm_.backward(activations.norm, words_.logits_backward(activations.state, dlogits, pass), pass);
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
  dropout_.backward(activations.dropout, dx, pass);
  words_.backward(activations.words, dx, pass);
  positions_.backward(activations.positions, dx, pass);
  return sum;
}

template <class T>
Matrix<T> TextDecoder<T>::step(std::span<const int32_t> words, Offsets groups, const Memory& memory,
                               std::vector<KeyValueCache<T>>& caches, Pass& pass, Matrix<T> weights) const {
  assert(memory.size() == blocks_.size() && caches.size() == blocks_.size());
  const int64_t position = caches.empty() ? 0 : caches.front().length();
  const std::vector<int32_t> positions(words.size(), static_cast<int32_t>(position));
  Matrix<T> x = words_.forward(words, pass);  // [rows, width]
  add_to<T>(x, positions_.forward(positions, pass), pass);

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
  return words_.logits(norm_.forward(x, pass), pass);
}

template <class T>
void TextDecoder<T>::collect(ParameterList<T>& list) {
  words_.collect(list);
  positions_.collect(list);
  for (DecoderBlock<T>& block : blocks_) block.collect(list);
  norm_.collect(list);
}

template class TextDecoder<float>;
template class TextDecoder<double>;

}  // namespace attend
