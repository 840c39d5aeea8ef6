// What is checked about the options of a call, given operands that fit each other.
#ifndef ATTEND_ATTENTION_VALIDATE_OPTIONS_H_
#define ATTEND_ATTENTION_VALIDATE_OPTIONS_H_

#include "attend/attention.h"
#include "attention/sizes.h"

namespace attend {

/// OK when `options` are within the contract of attention.h for operands of these sizes and type.
Status validate_options(const Sizes& sizes, DType dtype, const AttentionOptions& options);

}  // namespace attend

#endif  // ATTEND_ATTENTION_VALIDATE_OPTIONS_H_
