// A Transformer encoder over words: every word of a sentence sees all others.
#ifndef ATTEND_LANGUAGE_TEXT_ENCODER_H_
#define ATTEND_LANGUAGE_TEXT_ENCODER_H_

#include <string>
#include <vector>

#include "nn/transformer_block.h"

namespace attend {

struct TextEncoderShape {
  int layers = 4;
  BlockShape block;
};

/// Encoder blocks and a last layer norm over what a TextEmbedding made of packed sentences.
template <class T>
class TextEncoder {
 public:
  TextEncoder(const std::string& name, const TextEncoderShape& shape);

  struct Activations {
    std::vector<typename EncoderBlock<T>::Activations> blocks;
    typename LayerNorm<T>::Activations norm;
  };

  /// x [rows, width] -> [rows, width]
  Matrix<T> forward(ConstMatrix<T> x, Offsets sentences, Pass& pass, Activations* activations) const;
  /// dy -> dx; adds to the parameters' gradients.
  Matrix<T> backward(const Activations& activations, ConstMatrix<T> dy, Pass& pass);
  void collect(ParameterList<T>& list);

 private:
  std::vector<EncoderBlock<T>> blocks_;  // "NAME.blocks.N..."
  LayerNorm<T> norm_;                    // "NAME.norm"
};

}  // namespace attend

#endif  // ATTEND_LANGUAGE_TEXT_ENCODER_H_
