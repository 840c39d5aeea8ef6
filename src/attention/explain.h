// Plans and options in words.
#ifndef ATTEND_ATTENTION_EXPLAIN_H_
#define ATTEND_ATTENTION_EXPLAIN_H_

#include <string>

#include "attend/attention.h"
#include "attention/forward.h"

namespace attend {

/// Which kernel, on which instruction set, with which tiles, and why.
std::string in_words(const ForwardPlan& plan, const Sizes& sizes, const RowForm& form);

/// "; with causal kUpperLeft, mask" and so on: each option that is in effect; nothing when none is.
std::string options_in_words(const AttentionOptions& options);

/// "; then head_mean" and so on: what a second pass over the scores makes; nothing when there is none.
std::string summaries_in_words(const AttentionTensors& tensors);

}  // namespace attend

#endif  // ATTEND_ATTENTION_EXPLAIN_H_
