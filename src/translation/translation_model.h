// The Transformer that turns sentences into sentences (Vaswani et al. 2017): an encoder over the source's
// pieces, and a text decoder that looks at them. One table of pieces serves source, target and output.
#ifndef ATTEND_TRANSLATION_TRANSLATION_MODEL_H_
#define ATTEND_TRANSLATION_TRANSLATION_MODEL_H_

#include <cstdint>
#include <memory>
#include <span>

#include "language/generation.h"
#include "language/memory_in_words.h"
#include "language/text_decoder.h"
#include "language/text_encoder.h"

namespace attend {

struct TranslationModelShape {
  TextEncoderShape encoder;
  TextDecoderShape decoder;  // its vocabulary, max_length and positions are the encoder's too
};

/// Pairs of sentences, packed: no padding anywhere. A source sentence has at least one piece.
struct TranslationBatch {
  std::span<const int32_t> source;      // [source rows] pieces, each sentence closed by the end
  std::span<const int64_t> sources;     // [sentences + 1] offsets of source rows
  std::span<const int32_t> words;       // [rows] what the decoder reads: start, w1, ... wn of each sentence
  std::span<const int32_t> next_words;  // [rows] what it should say:     w1, ... wn, end
  std::span<const int64_t> targets;     // [sentences + 1] offsets of rows
};

template <class T>
class TranslationModel {
 public:
  explicit TranslationModel(const TranslationModelShape& shape);

  const TranslationModelShape& shape() const { return shape_; }

  /// Runs forward and backward on a batch: adds the gradients of `scale` * loss to the parameters', and
  /// returns the loss: the sum over rows of the (smoothed) cross-entropy, in nats. Pass must be a training
  /// pass for dropout.
  double learn(const TranslationBatch& batch, double label_smoothing, double scale, Pass& pass);
  /// The loss alone.
  double loss(const TranslationBatch& batch, double label_smoothing, Pass& pass) const;

  /// Source pieces -> [source rows, width]: the memory that the decoder looks at.
  Matrix<T> encode(std::span<const int32_t> source, Offsets sources, Pass& pass) const;

  ParameterList<T> parameters();

  TextEncoder<T> encoder;  // "encoder..."
  TextDecoder<T> decoder;  // "decoder..."

 private:
  TranslationModelShape shape_;
};

/// The model as a source of next words for several sentences at once. Borrows the model and the executor.
std::unique_ptr<NextWord> read(std::span<const int32_t> source, Offsets sources,
                               const MemoryInWordsOptions& options, const TranslationModel<float>& model,
                               Executor& executor);

}  // namespace attend

#endif  // ATTEND_TRANSLATION_TRANSLATION_MODEL_H_
