// Sentences said word by word, never reconsidered.
#ifndef ATTEND_LANGUAGE_SAMPLING_H_
#define ATTEND_LANGUAGE_SAMPLING_H_

#include <cstdint>
#include <span>
#include <vector>

#include "language/generation.h"

namespace attend {

/// The likeliest word, the lowest id among equals; -1 when all are forbidden.
int32_t likeliest_word(std::span<const float> log_probabilities);

/// Word w with probability proportional to exp(log_probabilities[w] / temperature), by inverting the
/// cumulative sum at `uniform` in [0, 1); -1 when all are forbidden.
int32_t drawn_word(std::span<const float> log_probabilities, double temperature, double uniform);

/// generate() for kGreedy and kSample. Word t of sample s of prompt p is drawn at
/// key.child(first_prompt + p).child(s).uniform(t).
std::vector<std::vector<SpokenSentence>> sample(NextWord& model, const SpecialWords& special,
                                                const GenerationOptions& options);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_SAMPLING_H_
