// A caption model small enough for finite differences, and a batch of uneven captions for it.
#ifndef ATTEND_TESTS_CAPTIONER_MODEL_TESTING_H_
#define ATTEND_TESTS_CAPTIONER_MODEL_TESTING_H_

#include <vector>

#include "captioner/caption_model.h"
#include "nn/layer_testing.h"

namespace attend::testing {

inline CaptionModelShape tiny_shape(NormPlacement norm = NormPlacement::kPre) {
  const BlockShape block = {.width = 8, .heads = 2, .hidden = 12, .norm = norm};
  return {.patches = {.features = 6, .grid = 2, .layers = 1, .block = block},
          .text = {.vocabulary = 11, .max_length = 7, .layers = 2, .block = block}};
}

/// Photo 0 has captions of 4 and 6 rows, photo 1 one of 5.
template <class T>
struct TinyBatch {
  std::vector<int32_t> words = {0, 4, 9, 3, 0, 7, 7, 5, 10, 6, 0, 3, 8, 9, 4};
  std::vector<int32_t> next_words = {4, 9, 3, 1, 7, 7, 5, 10, 6, 1, 3, 8, 9, 4, 1};
  std::vector<float> weights = {1, 0.5f, 2, 1, 0, 1, 1.5f, -0.5f, 1, 1, 0.25f, 1, 1, 1, 1};
  std::vector<int64_t> captions = {0, 4, 10, 15};
  std::vector<int64_t> photos = {0, 10, 15};
  Matrix<T> features;  // [2 * 4, 6]

  explicit TinyBatch(Arena& arena) : features(random_matrix<T>(arena, 8, 6, 99)) {}

  CaptionBatch<T> view() const { return {features, words, next_words, weights, captions, photos}; }
};

}  // namespace attend::testing

#endif  // ATTEND_TESTS_CAPTIONER_MODEL_TESTING_H_
