// Everything that is checked about a packed call before anything is written.
#ifndef ATTEND_ATTENTION_VARLEN_VALIDATE_H_
#define ATTEND_ATTENTION_VARLEN_VALIDATE_H_

#include "attend/varlen.h"

namespace attend {

/// What the caller calls the offsets, in messages.
struct StartsNames {
  const char* queries = "query_starts";
  const char* keys = "key_starts";
};

/// OK when the operands, offsets and options fit each other and the contract of varlen.h. Otherwise
/// kInvalidArgument, or kUnsupported for a type or an instruction set, in a sentence that names the operand,
/// the axis and both numbers.
Status validate(const PackedAttentionTensors& tensors, const AttentionOptions& options,
                const StartsNames& names = {});
Status validate(const PackedAttentionGradientTensors& tensors, const AttentionOptions& options,
                const StartsNames& names = {});

}  // namespace attend

#endif  // ATTEND_ATTENTION_VARLEN_VALIDATE_H_
