// What the options of a token search do to the odds of the next token.
#ifndef ATTEND_LANGUAGE_TOKEN_RULES_H_
#define ATTEND_LANGUAGE_TOKEN_RULES_H_

#include <cstdint>
#include <span>

#include "language/token_search.h"

namespace attend {

/// log(sum of exp of the logits).
float log_normaliser(std::span<const float> logits);

/// Applies, in this order, repetition_penalty, no_repeat_ngram and min_length to the scores (logits or
/// log-probabilities) of what may follow `said`, the prompt included.
void apply_rules(std::span<const int32_t> said, const TokenSearchOptions& options, std::span<float> scores);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_TOKEN_RULES_H_
