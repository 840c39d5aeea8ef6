// A Transformer decoder over words: what was said so far, and a memory to look at, give the next word.
#ifndef ATTEND_LANGUAGE_TEXT_DECODER_H_
#define ATTEND_LANGUAGE_TEXT_DECODER_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "language/text_embedding.h"
#include "nn/transformer_block.h"

namespace attend {

struct TextDecoderShape {
  int64_t vocabulary = 0;
  int64_t max_length = 40;  // the most rows of a sentence: its words and its start
  int layers = 3;
  BlockShape block;
  double embedding_dropout = 0.0;
  Positions positions = Positions::kLearned;
};

/// Words and their positions in, pre-norm (or post-norm) decoder blocks, a last layer norm, tied output
/// weights.
template <class T>
class TextDecoder {
 public:
  TextDecoder(const std::string& name, const TextDecoderShape& shape);

  const TextDecoderShape& shape() const { return shape_; }

  /// The memory's keys and values of every layer, projected once.
  using Memory = std::vector<KeyValues<T>>;
  Memory remember(ConstMatrix<T> key_input, ConstMatrix<T> value_input, Offsets offsets, Pass& pass) const;

  struct Activations {
    typename TextEmbedding<T>::Activations embedding;
    std::vector<typename DecoderBlock<T>::Activations> blocks;
    typename LayerNorm<T>::Activations norm;
    ConstMatrix<T> state;  // [rows, width], after the last norm
  };

  /// Packed captions, words [rows] -> logits [rows, vocabulary]. Positions count from 0 in each of
  /// layout.sequences.
  Matrix<T> forward(std::span<const int32_t> words, const typename DecoderBlock<T>::Layout& layout,
                    const Memory& memory, Pass& pass, Activations* activations) const;

  /// Gradients of the memory's inputs, summed over layers, both [memory rows, width].
  struct MemoryInputGradient {
    Matrix<T> key_input, value_input;
  };
  MemoryInputGradient backward(const Activations& activations, ConstMatrix<T> key_input,
                               ConstMatrix<T> value_input, const Memory& memory, ConstMatrix<T> dlogits,
                               Pass& pass);

  /// One word for each sequence; `caches` has one cache a layer. -> logits [rows, vocabulary]. `weights`,
  /// when present [rows, most memory rows a sequence], receives the cross-attention, mean over heads and over
  /// all layers.
  Matrix<T> step(std::span<const int32_t> words, Offsets groups, const Memory& memory,
                 std::vector<KeyValueCache<T>>& caches, Pass& pass, Matrix<T> weights = {}) const;

  void collect(ParameterList<T>& list);

  /// What the words are read through; an encoder that shares the words may read through it too.
  TextEmbedding<T> embedding;  // "NAME.words.weight", "NAME.positions.weight"

 private:
  TextDecoderShape shape_;
  std::vector<DecoderBlock<T>> blocks_;  // "NAME.blocks.N..."
  LayerNorm<T> norm_;                    // "NAME.norm"
};

}  // namespace attend

#endif  // ATTEND_LANGUAGE_TEXT_DECODER_H_
