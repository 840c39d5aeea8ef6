#include "attention/validate_options.h"

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "attention/broadcast.h"
#include "attention/dispatch.h"
#include "attention/dtypes.h"
#include "attention/operand.h"
#include "attention/refusal.h"
#include "attention/sizes.h"

namespace attend {
namespace {

/// "query_offset has 3 numbers, but "
std::string numbers_of(const char* option, std::span<const int64_t> numbers) {
  return std::string(option) + " has " + std::to_string(numbers.size()) + " numbers, but ";
}

Status check_lengths(const ScoreAxes& axes, std::span<const int64_t> lengths) {
  if (lengths.empty()) return {};
  if (static_cast<int64_t>(lengths.size()) != axes.size[0]) {
    return invalid(numbers_of("kv_lengths", lengths) + axes.source[0] + " is " +
                   std::to_string(axes.size[0]));
  }
  const bool packed = !axes.key_starts.empty();
  for (size_t b = 0; b < lengths.size(); ++b) {
    const int64_t keys = packed ? axes.key_starts[b + 1] - axes.key_starts[b] : axes.size[3];
    if (lengths[b] >= 0 && lengths[b] <= keys) continue;
    return invalid("kv_lengths[" + std::to_string(b) + "] is " + std::to_string(lengths[b]) +
                   ", but must be between 0 and " + (packed ? "the Tk of its sequence" : axes.source[3]) +
                   ", which is " + std::to_string(keys));
  }
  return {};
}

/// Offsets farther out than this, either way, would let positions overflow.
constexpr int64_t kFarthestOffset = int64_t{1} << 48;

Status check_offsets(const ScoreAxes& axes, const AttentionOptions& options) {
  const std::span<const int64_t> offsets = options.query_offset;
  if (offsets.empty()) {
    if (options.causal != Causal::kQueryOffset) return {};
    return invalid("causal is kQueryOffset, but query_offset is empty");
  }
  if (options.causal == Causal::kUpperLeft || options.causal == Causal::kLowerRight) {
    return invalid(std::string("causal is ") +
                   (options.causal == Causal::kUpperLeft ? "kUpperLeft" : "kLowerRight") +
                   ", but query_offset is given too; the two name one diagonal, so use kQueryOffset");
  }
  if (offsets.size() != 1 && static_cast<int64_t>(offsets.size()) != axes.size[0]) {
    return invalid(numbers_of("query_offset", offsets) + "must have 1 or " + axes.source[0] + ", which is " +
                   std::to_string(axes.size[0]));
  }
  for (size_t b = 0; b < offsets.size(); ++b) {
    if (offsets[b] < -kFarthestOffset || offsets[b] > kFarthestOffset) {
      return invalid("query_offset[" + std::to_string(b) + "] is " + std::to_string(offsets[b]) +
                     ", but must be between -2^48 and 2^48");
    }
  }
  return {};
}

/// A tensor whose axes are 1 or those of the scores.
Status check_broadcast(const char* name, const TensorView& view, const ScoreAxes& axes, DType dtype) {
  const Operand operand = {name, view, {"B", "Hq", "Tq", "Tk"}};
  if (!view.present()) return check_address(operand);
  ATTEND_RETURN_IF_ERROR(check_type(operand, dtype));
  for (size_t a = 0; a < 4; ++a) {
    const int64_t full = axes.size[a];
    if (view.shape[a] == full || view.shape[a] == 1) continue;
    const std::string found = axis_is(operand, a) + ", but must be 1";
    if (full == 1) return invalid(found);
    return invalid(found + " or " + axes.source[a] + ", which is " + std::to_string(full));
  }
  return check_address(operand);
}

/// How many places of an axis, which has some, have a number of their own.
int64_t distinct_along(const TensorView& view, size_t axis) {
  return view.stride[axis] == 0 ? 1 : view.shape[axis];
}

template <class T, class Allowed>
Status check_numbers(const char* name, const TensorView& view, const char* rule, const Allowed& allowed) {
  if (!has_elements(view.shape)) return {};
  const Broadcast<const T> numbers(view);
  for (int64_t b = 0; b < distinct_along(view, 0); ++b) {
    for (int64_t h = 0; h < distinct_along(view, 1); ++h) {
      const T x = *numbers.head(b, h);
      if (allowed(x)) continue;
      return invalid(std::string(name) + "[" + std::to_string(b) + ", " + std::to_string(h) + "] is " +
                     std::to_string(x) + ", but must be " + rule);
    }
  }
  return {};
}

/// A few numbers whose values are checked: [B or 1, Hq or 1, 1, 1].
template <class Allowed>
Status check_values(const char* name, const TensorView& view, const char* rule, const Allowed& allowed) {
  if (!view.present()) return {};
  return view.dtype == DType::kFloat64 ? check_numbers<double>(name, view, rule, allowed)
                                       : check_numbers<float>(name, view, rule, allowed);
}

}  // namespace

Status check_scale(const std::optional<float>& scale) {
  if (!scale || std::isfinite(*scale)) return {};
  return invalid("scale is " + std::to_string(*scale) + ", but must be finite");
}

Status check_softcap(float softcap) {
  // A smaller one would divide scores by so little that they overflow.
  if (softcap == 0 || (softcap >= 1e-30f && std::isfinite(softcap))) return {};
  return invalid("softcap is " + std::to_string(softcap) +
                 ", but must be finite and at least 1e-30, or 0 for none");
}

Status check_window(const AttentionWindow& window) {
  for (const auto& [side, keys] : {std::pair{"left", window.left}, std::pair{"right", window.right}}) {
    if (keys >= -1) continue;
    return invalid(std::string("window.") + side + " is " + std::to_string(keys) +
                   ", but must be at least 0, or -1 for no bound");
  }
  return {};
}

Status check_alibi_slopes(const TensorView& slopes, const ScoreAxes& axes, DType dtype) {
  ATTEND_RETURN_IF_ERROR(
      check_broadcast("alibi_slopes", slopes, {{axes.size[0], axes.size[1], 1, 1}, axes.source}, dtype));
  return check_values("alibi_slopes", slopes, "finite", [](auto x) { return std::isfinite(x); });
}

Status check_sinks(const TensorView& sinks, const ScoreAxes& axes, DType dtype) {
  ATTEND_RETURN_IF_ERROR(check_broadcast("sinks", sinks, {{1, axes.size[1], 1, 1}, axes.source}, dtype));
  return check_values("sinks", sinks, "finite, or -inf for none",
                      [](auto x) { return x < std::numeric_limits<decltype(x)>::infinity(); });
}

Status check_isa(const std::optional<Isa>& isa, std::optional<float> scale, float softcap) {
  if (!isa || *isa == Isa::kScalar) return {};
  if (runs_here(*isa)) {
    if (vectors_hold(scale, softcap)) return {};
    return {StatusCode::kUnsupported, "isa " + std::string(name(*isa)) +
                                          " has no kernel for a scale and a softcap so far apart; they run "
                                          "on the scalar reference"};
  }
  std::string message = "isa " + std::string(name(*isa)) + " is not available here; this machine has";
  for (const Isa available : isas()) message.append(" ").append(name(available));
  return {StatusCode::kUnsupported, std::move(message)};
}

Status validate_options(const ScoreAxes& axes, DType dtype, const AttentionOptions& options) {
  const DType sums = sum_type(dtype);
  ATTEND_RETURN_IF_ERROR(check_scale(options.scale));
  ATTEND_RETURN_IF_ERROR(check_softcap(options.softcap));
  ATTEND_RETURN_IF_ERROR(check_broadcast("bias", options.bias, axes, sums));
  ATTEND_RETURN_IF_ERROR(check_alibi_slopes(options.alibi_slopes, axes, sums));
  ATTEND_RETURN_IF_ERROR(check_sinks(options.sinks, axes, sums));
  if (!(options.dropout >= 0 && options.dropout < 1)) {
    return invalid("dropout is " + std::to_string(options.dropout) + ", but must be in [0, 1)");
  }
  ATTEND_RETURN_IF_ERROR(check_offsets(axes, options));
  ATTEND_RETURN_IF_ERROR(check_window(options.window));
  ATTEND_RETURN_IF_ERROR(check_lengths(axes, options.kv_lengths));
  ATTEND_RETURN_IF_ERROR(check_broadcast("mask", options.mask, axes, DType::kBool));
  ATTEND_RETURN_IF_ERROR(check_isa(options.isa, options.scale, options.softcap));
  if (dtype == DType::kFloat64 && options.isa.value_or(Isa::kScalar) != Isa::kScalar) {
    return {StatusCode::kUnsupported, "isa " + std::string(name(*options.isa)) +
                                          " has no float64 kernel; float64 runs on the scalar reference"};
  }
  return {};
}

}  // namespace attend
