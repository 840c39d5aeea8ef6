#include "language/text_embedding.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "nn/chunks.h"
#include "nn/residual.h"

namespace attend {
namespace {

/// The spread of fresh learned positions and of the words beside them: small, so that tied output weights
/// start with nearly even odds.
constexpr double kSmallDeviation = 0.02;
constexpr double kLongestWave = 10000;

double words_deviation(const TextEmbeddingShape& shape) {
  if (shape.positions == Positions::kLearned) return kSmallDeviation;
  return 1 / std::sqrt(static_cast<double>(shape.width));  // of rows as large as waves, once they are scaled
}

/// 0, 1, 2, ... from the first row of each sentence.
std::vector<int32_t> positions_of(Offsets sentences) {
  std::vector<int32_t> positions;
  positions.reserve(static_cast<size_t>(sentences.back()));
  for (size_t s = 0; s + 1 < sentences.size(); ++s) {
    for (int64_t i = 0; i < sentences[s + 1] - sentences[s]; ++i)
      positions.push_back(static_cast<int32_t>(i));
  }
  return positions;
}

/// [max_length, width]: the sines of a place, then its cosines; a last odd column stays zero.
template <class T>
std::vector<T> waves(const TextEmbeddingShape& shape) {
  const int64_t half = shape.width / 2;
  std::vector<T> table(static_cast<size_t>(shape.max_length * shape.width));
  for (int64_t i = 0; i < half; ++i) {
    const double frequency = std::pow(kLongestWave, -static_cast<double>(i) / static_cast<double>(half));
    for (int64_t place = 0; place < shape.max_length; ++place) {
      T* const row = table.data() + place * shape.width;
      row[i] = static_cast<T>(std::sin(static_cast<double>(place) * frequency));
      row[half + i] = static_cast<T>(std::cos(static_cast<double>(place) * frequency));
    }
  }
  return table;
}

}  // namespace

template <class T>
TextEmbedding<T>::TextEmbedding(const std::string& name, const TextEmbeddingShape& shape)
    : shape_(shape),
      words_(name + ".words", shape.vocabulary, shape.width, words_deviation(shape)),
      dropout_(shape.dropout) {
  if (shape.positions == Positions::kLearned) {
    positions_.emplace(name + ".positions", shape.max_length, shape.width, kSmallDeviation);
  } else {
    waves_ = waves<T>(shape);
  }
}

template <class T>
Matrix<T> TextEmbedding<T>::forward(std::span<const int32_t> words, Offsets sentences, Pass& pass,
                                    Activations* activations) const {
  std::vector<int32_t> positions = positions_of(sentences);
  assert(positions.size() == words.size());
  const Matrix<T> x = words_.forward(words, pass);  // [rows, width]
  add_positions(positions, x, pass);
  const Dropout::Activations dropout = dropout_.forward(x, pass);
  if (activations) *activations = {{words.begin(), words.end()}, std::move(positions), dropout};
  return x;
}

template <class T>
void TextEmbedding<T>::backward(const Activations& activations, Matrix<T> dx, Pass& pass) {
  dropout_.backward(activations.dropout, dx, pass);
  if (positions_) {
    positions_->backward(activations.positions, dx, pass);
  } else {
    const T scale = std::sqrt(static_cast<T>(shape_.width));
    for_each_chunk(pass.executor, dx.size(), kChunkElements, [&](int64_t first, int64_t count) {
      for (int64_t i = first; i < first + count; ++i) dx.data[i] *= scale;
    });
  }
  words_.backward(activations.words, dx, pass);
}

template <class T>
Matrix<T> TextEmbedding<T>::step(std::span<const int32_t> words, int64_t position, Pass& pass) const {
  const std::vector<int32_t> positions(words.size(), static_cast<int32_t>(position));
  const Matrix<T> x = words_.forward(words, pass);
  add_positions(positions, x, pass);
  return x;
}

template <class T>
void TextEmbedding<T>::add_positions(std::span<const int32_t> positions, Matrix<T> x, Pass& pass) const {
  if (positions_) {
    add_to<T>(x, positions_->forward(positions, pass), pass);
    return;
  }
  const T scale = std::sqrt(static_cast<T>(shape_.width));
  for_each_chunk(pass.executor, x.rows, rows_per_chunk(x.cols), [&](int64_t first, int64_t count) {
    for (int64_t r = first; r < first + count; ++r) {
      T* const row = x.row(r).data();
      const T* const wave = waves_.data() + positions[static_cast<size_t>(r)] * x.cols;
      for (int64_t i = 0; i < x.cols; ++i) row[i] = scale * row[i] + wave[i];
    }
  });
}

template <class T>
void TextEmbedding<T>::collect(ParameterList<T>& list) {
  words_.collect(list);
  if (positions_) positions_->collect(list);
}

template class TextEmbedding<float>;
template class TextEmbedding<double>;

}  // namespace attend
