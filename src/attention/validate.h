// Everything that is checked about a call before anything is written.
#ifndef ATTEND_ATTENTION_VALIDATE_H_
#define ATTEND_ATTENTION_VALIDATE_H_

#include "attend/attention.h"

namespace attend {

/// OK when the operands and options fit each other and the contract of attention.h. Otherwise
/// kInvalidArgument, or kUnsupported for a type or an instruction set, in a sentence that names the operand,
/// the axis and both numbers.
Status validate(const AttentionTensors& tensors, const AttentionOptions& options);
Status validate(const AttentionGradientTensors& tensors, const AttentionOptions& options);

}  // namespace attend

#endif  // ATTEND_ATTENTION_VALIDATE_H_
