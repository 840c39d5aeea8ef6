// What is checked about the options of a call, given operands that fit each other.
#ifndef ATTEND_ATTENTION_VALIDATE_OPTIONS_H_
#define ATTEND_ATTENTION_VALIDATE_OPTIONS_H_

#include <cstdint>
#include <optional>

#include "attend/attention.h"
#include "attention/sizes.h"

namespace attend {

/// The rules of single options, for every operation that has them. `dtype` is that of sums.
Status check_scale(const std::optional<float>& scale);
Status check_softcap(float softcap);
Status check_window(const AttentionWindow& window);
Status check_alibi_slopes(const TensorView& slopes, int64_t B, int64_t Hq, DType dtype);
Status check_sinks(const TensorView& sinks, int64_t Hq, DType dtype);
Status check_isa(const std::optional<Isa>& isa);

/// OK when `options` are within the contract of attention.h for operands of these sizes and type.
Status validate_options(const Sizes& sizes, DType dtype, const AttentionOptions& options);

}  // namespace attend

#endif  // ATTEND_ATTENTION_VALIDATE_OPTIONS_H_
