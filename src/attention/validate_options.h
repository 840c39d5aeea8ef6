// What is checked about the options of a call, given operands that fit each other.
#ifndef ATTEND_ATTENTION_VALIDATE_OPTIONS_H_
#define ATTEND_ATTENTION_VALIDATE_OPTIONS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "attend/attention.h"

namespace attend {

/// The axes of the scores, [B, Hq, Tq, Tk], which those of the tensors among the options have or are 1.
struct ScoreAxes {
  Shape size;
  /// What messages say that each is measured on.
  std::array<const char*, 4> source = {"query axis B", "query axis Hq", "query axis Tq", "key axis Tk"};
  /// Of packed sequences, which are the batch rows and have Tk of their own.
  std::span<const int64_t> key_starts = {};
};

/// The rules of single options, for every operation that has them. `dtype` is that of sums.
Status check_scale(const std::optional<float>& scale);
Status check_softcap(float softcap);
Status check_window(const AttentionWindow& window);
Status check_alibi_slopes(const TensorView& slopes, const ScoreAxes& axes, DType dtype);
Status check_sinks(const TensorView& sinks, const ScoreAxes& axes, DType dtype);
/// Scale and softcap are those of the call.
Status check_isa(const std::optional<Isa>& isa, std::optional<float> scale, float softcap);

/// OK when `options` are within the contract of attention.h for scores of these axes and operands of `dtype`.
Status validate_options(const ScoreAxes& axes, DType dtype, const AttentionOptions& options);

}  // namespace attend

#endif  // ATTEND_ATTENTION_VALIDATE_OPTIONS_H_
