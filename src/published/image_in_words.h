// One image before a decoder, as a source of next tokens.
#ifndef ATTEND_PUBLISHED_IMAGE_IN_WORDS_H_
#define ATTEND_PUBLISHED_IMAGE_IN_WORDS_H_

#include <memory>
#include <vector>

#include "language/caption_decoder.h"
#include "language/token_search.h"

namespace attend {

/// The image's keys and values are computed here, once. Attention has a column for each of the image's
/// tokens.
class ImageInWords final : public NextToken {
 public:
  /// `image` [tokens, width of the memory]. At most `hypotheses` run side by side, of at most `length`
  /// tokens. Borrows decoder and executor.
  ImageInWords(const CaptionDecoder& decoder, ConstMatrix<float> image, int64_t hypotheses, int64_t length,
               Executor& executor);

  int64_t vocabulary() const override { return decoder_.vocabulary(); }
  Matrix<float> begin(std::span<const int32_t> prompt) override;
  Matrix<float> advance(std::span<const int32_t> parents, std::span<const int32_t> tokens) override;
  ConstMatrix<float> attention() const override { return attention_; }

 private:
  Matrix<float> step(std::span<const int32_t> tokens);

  const CaptionDecoder& decoder_;
  Executor& executor_;
  const int64_t hypotheses_, length_, image_tokens_;
  Arena kept_, passing_;
  CaptionDecoder::Images images_;
  std::vector<KeyValueCache<float>> caches_;
  Matrix<float> attention_;
};

}  // namespace attend

#endif  // ATTEND_PUBLISHED_IMAGE_IN_WORDS_H_
