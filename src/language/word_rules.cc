#include "language/word_rules.h"

#include <algorithm>

#include "language/repetition.h"

namespace attend {

SpecialWords special_words(const Vocabulary& vocabulary) {
  return {.start = Vocabulary::kStart,
          .end = Vocabulary::kEnd,
          .unknown = Vocabulary::kUnknown,
          .conjunction = vocabulary.id("and")};
}

void forbid_words(std::span<float> log_probabilities, std::span<const int32_t> said,
                  const SpecialWords& special, const GenerationOptions& options) {
  const auto forbid = [&](int32_t word) { log_probabilities[static_cast<size_t>(word)] = kForbidden; };
  forbid(special.start);
  forbid(special.unknown);
  if (static_cast<int64_t>(said.size()) < options.min_length) forbid(special.end);
  if (said.size() >= 2 && said.back() == special.conjunction) forbid(said[said.size() - 2]);
  for (const int32_t word : words_that_repeat(said, options.no_repeat_ngram)) forbid(word);
}

int64_t most_words(const NextWord& model, int64_t prompt, const GenerationOptions& options) {
  return std::min<int64_t>(options.max_length, model.most_words_about(prompt));
}

}  // namespace attend
