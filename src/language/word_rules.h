// Which words may come next, whatever the model thinks.
#ifndef ATTEND_LANGUAGE_WORD_RULES_H_
#define ATTEND_LANGUAGE_WORD_RULES_H_

#include <cstdint>
#include <limits>
#include <span>

#include "language/generation.h"
#include "language/vocabulary.h"

namespace attend {

/// The log-probability of a word that may not be said.
inline constexpr float kForbidden = -std::numeric_limits<float>::infinity();

/// The words of English captions that have a meaning of their own.
SpecialWords special_words(const Vocabulary& vocabulary);

/// Overwrites with kForbidden the log-probabilities [vocabulary] of the words that may not follow `said`:
/// start and unknown always, the end before min_length words, what would repeat an n-gram, and after a
/// conjunction the word before it. The others keep the model's.
void forbid_words(std::span<float> log_probabilities, std::span<const int32_t> said,
                  const SpecialWords& special, const GenerationOptions& options);

/// The most words of a sentence about `prompt`: the option's, or what the model can carry if that is less.
int64_t most_words(const NextWord& model, int64_t prompt, const GenerationOptions& options);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_WORD_RULES_H_
