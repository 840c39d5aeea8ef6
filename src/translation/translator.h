// Sentences in, sentences out, and for each word where its translation came from.
#ifndef ATTEND_TRANSLATION_TRANSLATOR_H_
#define ATTEND_TRANSLATION_TRANSLATOR_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "attend/executor.h"
#include "language/generation.h"
#include "language/sentence_pieces.h"
#include "translation/translation_model.h"

namespace attend {

struct TranslatedWord {
  std::string text;
  double probability = 0;  // the model's, of this word after those before it
  /// [source words + 1], with a sum of 1: how much of the attention, mean over heads, layers and the word's
  /// pieces, was on each source word, and on the end of the sentence. Empty unless asked for.
  std::vector<float> attention;
};

struct Translation {
  std::string text;
  double log_probability = 0;
  bool cut = false;   // the source was longer than the model reads, and its last pieces were not read
  bool ended = true;  // false: broken off where the model did not come to an end
  std::vector<std::string>
      source_words;  // as the sentence has them, also where the model knows no such piece
  std::vector<TranslatedWord> words;
};

struct TranslationOptions {
  GenerationOptions generation;
  int64_t at_once = 32;  // sentences of like length that are searched together
};

/// Beam 5, nothing forbidden, no limit but translate()'s.
GenerationOptions translation_defaults();

/// The pieces that start, end and stand for the unknown.
SpecialWords special_words(const SentencePieces& pieces);

/// A translation for each sentence, in order; that of a sentence without words is empty. All of Unicode's
/// white space counts as spaces, and runs of it as one.
std::vector<Translation> translate_text(std::span<const std::string> sentences,
                                        const TranslationOptions& options, const SentencePieces& pieces,
                                        const TranslationModel<float>& model, Executor& executor);

}  // namespace attend

#endif  // ATTEND_TRANSLATION_TRANSLATOR_H_
