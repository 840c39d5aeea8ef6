// The text decoders of published captioners: BLIP's BERT with cross-attention, GPT-2 with cross-attention,
// and GIT, whose words and image tokens are one sequence. One decoder: they differ in where the norms stand,
// in what is done to embeddings and before the logits, and in how the image is looked at.
//
// The image's keys and values are computed once, and shared by all steps and all hypotheses. In GIT an image
// token sees the image and a word the image and the words up to itself, so that a word's attention has two
// parts, over disjoint keys, which are merged by their log-sum-exp.
#ifndef ATTEND_LANGUAGE_CAPTION_DECODER_H_
#define ATTEND_LANGUAGE_CAPTION_DECODER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "nn/key_value_cache.h"
#include "nn/stored_block.h"

namespace attend {

struct CaptionDecoderWeights {
  WeightMatrix words;      // [vocabulary, width]
  WeightMatrix positions;  // [positions, width]
  std::optional<LayerNorm<float>> norm_in;
  std::vector<StoredBlock> blocks;  // with cross-attention, or the image comes first in the sequence
  std::optional<LayerNorm<float>> norm_out;
  /// What BERT does before the logits: dense, activation, norm.
  struct Transform {
    StoredLinear dense;
    Activation activation;
    LayerNorm<float> norm;
  };
  std::optional<Transform> transform;
  StoredLinear output;  // [vocabulary, width]; may share the words' numbers
};

/// Immutable, and safe to share between threads.
class CaptionDecoder {
 public:
  explicit CaptionDecoder(CaptionDecoderWeights weights) : weights_(std::move(weights)) {}

  int64_t vocabulary() const { return weights_.output.out(); }
  /// The longest sequence of tokens that it can read.
  int64_t positions() const { return weights_.positions.rows(); }
  int64_t width() const { return weights_.words.cols(); }
  size_t layers() const { return weights_.blocks.size(); }

  /// An image's keys and values in every layer, [tokens, width] each.
  struct Image {
    Matrix<float> keys, values;
  };
  using Images = std::vector<Image>;

  /// `tokens` [tokens, width of the memory] are what the photo's encoder gave; for an image that comes first
  /// in the sequence, they have the decoder's width. The result lives in `kept`.
  Images remember(ConstMatrix<float> tokens, Arena& kept, Pass& pass) const;

  /// The next tokens of each sequence of `caches` (one a layer), equally many of each, one sequence after the
  /// other -> logits [sequences, vocabulary] after the last of each. `weights`, when present [sequences,
  /// image tokens], receives the attention of those last tokens to the image, mean over heads and layers.
  Matrix<float> step(std::span<const int32_t> tokens, const Images& images,
                     std::vector<KeyValueCache<float>>& caches, Pass& pass, Matrix<float> weights = {}) const;

 private:
  bool has_cross_attention() const { return weights_.blocks.front().cross.has_value(); }
  Matrix<float> embed(std::span<const int32_t> tokens, int64_t sequences, int64_t first, Pass& pass) const;
  Matrix<float> logits(ConstMatrix<float> state, Pass& pass) const;

  CaptionDecoderWeights weights_;
};

}  // namespace attend

#endif  // ATTEND_LANGUAGE_CAPTION_DECODER_H_
