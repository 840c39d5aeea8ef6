// Everything that is checked about a call before anything is written.
#ifndef ATTEND_ATTENTION_VALIDATE_H_
#define ATTEND_ATTENTION_VALIDATE_H_

#include <cstdint>
#include <span>

#include "attend/attention.h"
#include "attention/validate_options.h"

namespace attend {

/// OK when the operands and options fit each other and the contract of attention.h. Otherwise
/// kInvalidArgument, or kUnsupported for a type or an instruction set, in a sentence that names the operand,
/// the axis and both numbers.
Status validate(const AttentionTensors& tensors, const AttentionOptions& options);
Status validate(const AttentionGradientTensors& tensors, const AttentionOptions& options);

/// What messages call the axes of queries and of keys, and what the options are measured by.
struct CallAxes {
  const char *queries = "Tq", *keys = "Tk";
  ScoreAxes scores;
  /// Of packed sequences, whose keys have `scores.key_starts`.
  std::span<const int64_t> query_starts = {};
  const char *query_starts_name = "query_starts", *key_starts_name = "key_starts";
};

/// The same for operands whose options are measured by something else, as those of packed sequences are.
Status validate(const AttentionTensors& tensors, const AttentionOptions& options, const CallAxes& axes);
Status validate(const AttentionGradientTensors& tensors, const AttentionOptions& options,
                const CallAxes& axes);

}  // namespace attend

#endif  // ATTEND_ATTENTION_VALIDATE_H_
