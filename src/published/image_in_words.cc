#include "published/image_in_words.h"

#include <cassert>

namespace attend {

ImageInWords::ImageInWords(const CaptionDecoder& decoder, ConstMatrix<float> image, int64_t hypotheses,
                           int64_t length, Executor& executor)
    : decoder_(decoder),
      executor_(executor),
      hypotheses_(hypotheses),
      length_(length),
      image_tokens_(image.rows) {
  Pass pass(passing_, executor_);
  images_ = decoder.remember(image, kept_, pass);
}

Matrix<float> ImageInWords::begin(std::span<const int32_t> prompt) {
  caches_.clear();
  const int32_t only = 0;
  for (size_t layer = 0; layer < decoder_.layers(); ++layer) {
    caches_.emplace_back(hypotheses_, length_, decoder_.width());
    caches_.back().reorder({&only, 1});  // one sequence so far, with room for the others
  }
  return step(prompt);
}

Matrix<float> ImageInWords::advance(std::span<const int32_t> parents, std::span<const int32_t> tokens) {
  assert(parents.size() == tokens.size() && static_cast<int64_t>(tokens.size()) <= hypotheses_);
  for (KeyValueCache<float>& cache : caches_) cache.reorder(parents);
  return step(tokens);
}

Matrix<float> ImageInWords::step(std::span<const int32_t> tokens) {
  passing_.reset();
  Pass pass(passing_, executor_);
  attention_ = passing_.matrix<float>(caches_.front().sequences(), image_tokens_);
  return decoder_.step(tokens, images_, caches_, pass, attention_);
}

}  // namespace attend
