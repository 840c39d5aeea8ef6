// Pieces learned from a few sentences, and a whole model file in miniature.
#ifndef ATTEND_TESTS_TRANSLATION_FILE_TESTING_H_
#define ATTEND_TESTS_TRANSLATION_FILE_TESTING_H_

#include <string>
#include <vector>

#include "translation/model_testing.h"
#include "translation/translation_file.h"
#include "translation/translator.h"

namespace attend::testing {

/// Sentence i, in a language in which colours come first or last.
inline std::string toy_sentence(int i, bool target) {
  static const std::vector<std::string> colours[] = {{"red", "blue", "green"}, {"rot", "blau", "grün"}},
                                        things[] = {{"dog", "cat", "bird", "ball"},
                                                    {"Hund", "Katze", "Vogel", "Ball"}};
  const std::string colour = colours[target][static_cast<size_t>(i % 3)],
                    thing = things[target][static_cast<size_t>(i / 3 % 4)];
  return target ? "Der " + thing + " ist " + colour + "." : "A " + colour + " " + thing + " is here.";
}

inline const SentencePieces& toy_pieces() {
  static const SentencePieces pieces = [] {
    std::vector<std::string> sentences;
    for (int i = 0; i < 24; ++i) {
      for (const bool target : {false, true}) sentences.push_back(toy_sentence(i, target));
    }
    return SentencePieces::train(sentences, 36).value();
  }();
  return pieces;
}

inline TranslationConfig toy_config() {
  TranslationConfig config{"xx", "yy", tiny_shape(), translation_defaults()};
  config.shape.decoder.vocabulary = toy_pieces().size();
  config.generation.beam = 3;
  return config;
}

inline const ModelNotes kToyNotes = {{"licence", "none"}, {"scores", "BLEU 0.00"}};

inline Status save_toy_model(const std::string& path) {
  const TranslationConfig config = toy_config();
  TranslationModel<float> model(config.shape);
  randomize(model.parameters());
  return save_translation_model(path, {model, config, toy_pieces(), kToyNotes});
}

}  // namespace attend::testing

#endif  // ATTEND_TESTS_TRANSLATION_FILE_TESTING_H_
