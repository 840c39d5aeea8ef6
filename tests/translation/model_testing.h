// A translation model small enough for finite differences, and a batch of uneven pairs for it: those of
// tests/golden/make_translation.py.
#ifndef ATTEND_TESTS_TRANSLATION_MODEL_TESTING_H_
#define ATTEND_TESTS_TRANSLATION_MODEL_TESTING_H_

#include <vector>

#include "nn/layer_testing.h"
#include "translation/translation_model.h"

namespace attend::testing {

inline TranslationModelShape tiny_shape(NormPlacement norm = NormPlacement::kPre, double dropout = 0) {
  const BlockShape block = {.width = 8, .heads = 2, .hidden = 12, .norm = norm, .dropout = dropout};
  TranslationModelShape shape;
  shape.encoder = {2, block};
  shape.decoder = {.vocabulary = 13,
                   .max_length = 16,
                   .layers = 2,
                   .block = block,
                   .embedding_dropout = dropout,
                   .positions = Positions::kSinusoidal};
  return shape;
}

struct TinyPairs {
  std::vector<int32_t> source = {5, 9, 3, 1, 7, 1, 4, 11, 10, 6, 8, 1};
  std::vector<int64_t> sources = {0, 4, 6, 12};
  std::vector<int32_t> words = {0, 4, 8, 0, 3, 3, 12, 6, 0, 5, 9, 7};
  std::vector<int32_t> next_words = {4, 8, 1, 3, 3, 12, 6, 1, 5, 9, 7, 1};
  std::vector<int64_t> targets = {0, 3, 8, 12};

  TranslationBatch batch() const { return {source, sources, words, next_words, targets}; }
};

/// With no symmetry between its pieces.
template <class T>
TranslationModel<T> tiny_model(NormPlacement norm = NormPlacement::kPre, double dropout = 0) {
  TranslationModel<T> model(tiny_shape(norm, dropout));
  randomize(model.parameters());
  return model;
}

}  // namespace attend::testing

#endif  // ATTEND_TESTS_TRANSLATION_MODEL_TESTING_H_
