// The network between patch features and words: a patch encoder and a text decoder, trained together.
#ifndef ATTEND_CAPTIONER_CAPTION_MODEL_H_
#define ATTEND_CAPTIONER_CAPTION_MODEL_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "captioner/patch_encoder.h"
#include "language/generation.h"
#include "language/text_decoder.h"
#include "nn/cross_entropy.h"

namespace attend {

struct CaptionModelShape {
  PatchEncoderShape patches;
  TextDecoderShape text;
};

/// Photos with the captions to be learned from them, packed: no padding anywhere.
template <class T>
struct CaptionBatch {
  ConstMatrix<T> features;              // [photos * patches, features]
  std::span<const int32_t> words;       // [rows] what the decoder reads: start, w1, ... wn of each caption
  std::span<const int32_t> next_words;  // [rows] what it should say:     w1, ... wn, end
  std::span<const float> weights;       // [rows] how much each row counts; empty means 1
  std::span<const int64_t> captions;    // [captions + 1] row offsets; a photo's captions lie together
  std::span<const int64_t> photos;      // [photos + 1] row offsets
};

template <class T>
class CaptionModel {
 public:
  explicit CaptionModel(const CaptionModelShape& shape);

  const CaptionModelShape& shape() const { return shape_; }

  /// Runs forward and backward on a batch: adds the gradients of `scale` * loss to the parameters', and
  /// returns the loss: the weighted sum over rows of the (smoothed) cross-entropy, in nats. Pass must be a
  /// training pass for dropout.
  double learn(const CaptionBatch<T>& batch, double label_smoothing, double scale, Pass& pass);
  /// The loss alone.
  double loss(const CaptionBatch<T>& batch, double label_smoothing, Pass& pass) const;

  ParameterList<T> parameters();

  PatchEncoder<T> patches;  // "patches..."
  TextDecoder<T> text;      // "text..."

 private:
  CaptionModelShape shape_;
};

/// The model as a source of next words for several photos at once; image keys and values are computed here,
/// once a photo, and shared by all beams and samples. Borrows the model and the executor.
/// features [photos * patches, features].
std::unique_ptr<NextWord> look_at(const CaptionModel<float>& model, ConstMatrix<float> features,
                                  Executor& executor);

}  // namespace attend

#endif  // ATTEND_CAPTIONER_CAPTION_MODEL_H_
