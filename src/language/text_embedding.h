// From the numbers of words to what a Transformer's first block reads: the words' rows of a table, and where
// in its sentence each word stands.
#ifndef ATTEND_LANGUAGE_TEXT_EMBEDDING_H_
#define ATTEND_LANGUAGE_TEXT_EMBEDDING_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nn/dropout.h"
#include "nn/embedding.h"
#include "nn/multi_head_attention.h"

namespace attend {

/// How a word's place in its sentence is told.
enum class Positions {
  kLearned,     // a row of a second table is added
  kSinusoidal,  // sin and cos of place / 10000^(i / half the width) are added to the word's row times
                // sqrt(width) (Vaswani et al. 2017, section 3.5, with all sines first); nothing is learned
};

struct TextEmbeddingShape {
  int64_t vocabulary = 0;
  int64_t max_length = 0;  // places in a sentence
  int64_t width = 0;
  Positions positions = Positions::kLearned;
  double dropout = 0.0;
};

template <class T>
class TextEmbedding {
 public:
  TextEmbedding(const std::string& name, const TextEmbeddingShape& shape);

  struct Activations {
    std::vector<int32_t> words, positions;
    Dropout::Activations dropout;
  };

  /// Packed sentences, words [rows] -> [rows, width]. Places count from 0 in each of `sentences`.
  Matrix<T> forward(std::span<const int32_t> words, Offsets sentences, Pass& pass,
                    Activations* activations) const;
  /// Adds to the tables' gradients. `dx` [rows, width] is overwritten.
  void backward(const Activations& activations, Matrix<T> dx, Pass& pass);

  /// One word of each of several sentences, all at place `position`, without dropout.
  Matrix<T> step(std::span<const int32_t> words, int64_t position, Pass& pass) const;

  /// The table as an output layer: x [rows, width] -> logits [rows, vocabulary].
  Matrix<T> logits(ConstMatrix<T> x, Pass& pass) const { return words_.logits(x, pass); }
  Matrix<T> logits_backward(ConstMatrix<T> x, ConstMatrix<T> dlogits, Pass& pass) {
    return words_.logits_backward(x, dlogits, pass);
  }

  void collect(ParameterList<T>& list);

 private:
  void add_positions(std::span<const int32_t> positions, Matrix<T> x, Pass& pass) const;

  TextEmbeddingShape shape_;
  Embedding<T> words_;                     // "NAME.words.weight" [vocabulary, width]
  std::optional<Embedding<T>> positions_;  // "NAME.positions.weight" [max_length, width]
  std::vector<T> waves_;                   // [max_length, width] of sinusoidal positions
  Dropout dropout_;
};

}  // namespace attend

#endif  // ATTEND_LANGUAGE_TEXT_EMBEDDING_H_
