#include "attention/validate_options.h"

#include <cmath>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "attend/isa.h"
#include "attention/broadcast.h"
#include "attention/dispatch.h"
#include "attention/overlap.h"
#include "attention/refusal.h"

namespace attend {
namespace {

Status check_lengths(const Sizes& n, std::span<const int64_t> lengths) {
  if (lengths.empty()) return {};
  if (static_cast<int64_t>(lengths.size()) != n.B) {
    return invalid("kv_lengths has " + std::to_string(lengths.size()) + " numbers, but query axis B is " +
                   std::to_string(n.B));
  }
  for (size_t b = 0; b < lengths.size(); ++b) {
    if (lengths[b] < 0 || lengths[b] > n.Tk) {
      return invalid("kv_lengths[" + std::to_string(b) + "] is " + std::to_string(lengths[b]) +
                     ", but must be between 0 and key axis Tk, which is " + std::to_string(n.Tk));
    }
  }
  return {};
}

/// Offsets farther out than this, either way, would let positions overflow.
constexpr int64_t kFarthestOffset = int64_t{1} << 48;

Status check_offsets(const Sizes& n, const AttentionOptions& options) {
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
  if (offsets.size() != 1 && static_cast<int64_t>(offsets.size()) != n.B) {
    return invalid("query_offset has " + std::to_string(offsets.size()) +
                   " numbers, but must have 1 or one a batch row, and query axis B is " +
                   std::to_string(n.B));
  }
  for (size_t b = 0; b < offsets.size(); ++b) {
    if (offsets[b] < -kFarthestOffset || offsets[b] > kFarthestOffset) {
      return invalid("query_offset[" + std::to_string(b) + "] is " + std::to_string(offsets[b]) +
                     ", but must be between -2^48 and 2^48");
    }
  }
  return {};
}

Status check_window(const AttentionWindow& window) {
  for (const auto& [side, keys] : {std::pair{"left", window.left}, std::pair{"right", window.right}}) {
    if (keys >= -1) continue;
    return invalid(std::string("window.") + side + " is " + std::to_string(keys) +
                   ", but must be at least 0, or -1 for no bound");
  }
  return {};
}

/// A tensor whose axes are 1 or those of the scores.
Status check_broadcast(const char* name, const TensorView& view, const Shape& full, DType dtype) {
  constexpr const char* kAxes[4] = {"B", "Hq", "Tq", "Tk"};
  if (!view.present()) {
    if (has_elements(view.shape)) return invalid(std::string(name) + " is a null pointer");
    return {};
  }
  if (view.dtype != dtype) {
    return invalid(std::string(name) + " is " + name_of(view.dtype) + ", but must be " + name_of(dtype));
  }
  for (size_t a = 0; a < 4; ++a) {
    if (view.shape[a] == full[a] || view.shape[a] == 1) continue;
    const std::string found = axis_of(name, kAxes[a]) + " is " + std::to_string(view.shape[a]);
    if (full[a] == 1) return invalid(found + ", but must be 1");
    return invalid(found + ", but must be 1 or " + axis_of(source_of(kAxes[a]), kAxes[a]) + ", which is " +
                   std::to_string(full[a]));
  }
  if (reinterpret_cast<uintptr_t>(view.data) % size_of(dtype) != 0) {
    return invalid(std::string(name) + " is not aligned to the " + std::to_string(size_of(dtype)) +
                   " bytes of its elements");
  }
  if (!byte_range(view)) return invalid(std::string(name) + " spans more than the address space");
  return {};
}

/// A few numbers whose values are checked: [B or 1, Hq or 1, 1, 1].
template <class T, class Allowed>
Status check_values(const char* name, const TensorView& view, const char* rule, const Allowed& allowed) {
  const Broadcast<const T> numbers(view);
  for (int64_t b = 0; numbers.present() && b < view.shape[0]; ++b) {
    for (int64_t h = 0; h < view.shape[1]; ++h) {
      const T x = *numbers.head(b, h);
      if (allowed(x)) continue;
      return invalid(std::string(name) + "[" + std::to_string(b) + ", " + std::to_string(h) + "] is " +
                     std::to_string(x) + ", but must be " + rule);
    }
  }
  return {};
}

template <class T>
Status check_head_numbers(const AttentionOptions& options) {
  ATTEND_RETURN_IF_ERROR(
      check_values<T>("alibi_slopes", options.alibi_slopes, "finite", [](T x) { return std::isfinite(x); }));
  return check_values<T>("sinks", options.sinks, "finite, or -inf for none",
                         [](T x) { return x < std::numeric_limits<T>::infinity(); });
}

Status check_scores(const Sizes& n, DType dtype, const AttentionOptions& options) {
  if (options.scale && !std::isfinite(*options.scale)) {
    return invalid("scale is " + std::to_string(*options.scale) + ", but must be finite");
  }
  // A smaller one would divide scores by so little that they overflow.
  if (options.softcap != 0 && !(options.softcap >= 1e-30f && std::isfinite(options.softcap))) {
    return invalid("softcap is " + std::to_string(options.softcap) +
                   ", but must be finite and at least 1e-30, or 0 for none");
  }
  const DType sums = sum_type(dtype);
  ATTEND_RETURN_IF_ERROR(check_broadcast("bias", options.bias, {n.B, n.Hq, n.Tq, n.Tk}, sums));
  ATTEND_RETURN_IF_ERROR(check_broadcast("alibi_slopes", options.alibi_slopes, {n.B, n.Hq, 1, 1}, sums));
  ATTEND_RETURN_IF_ERROR(check_broadcast("sinks", options.sinks, {1, n.Hq, 1, 1}, sums));
  if (!(options.dropout >= 0 && options.dropout < 1)) {
    return invalid("dropout is " + std::to_string(options.dropout) + ", but must be in [0, 1)");
  }
  return dtype == DType::kFloat64 ? check_head_numbers<double>(options) : check_head_numbers<float>(options);
}

Status check_isa(DType dtype, const AttentionOptions& options) {
  if (!options.isa) return {};
  if (!runs_here(*options.isa)) {
    std::string message =
        "isa " + std::string(name(*options.isa)) + " is not available here; this machine has";
    for (const Isa isa : isas()) message.append(" ").append(name(isa));
    return {StatusCode::kUnsupported, std::move(message)};
  }
  if (dtype == DType::kFloat64 && *options.isa != Isa::kScalar) {
    return {StatusCode::kUnsupported, "isa " + std::string(name(*options.isa)) +
                                          " has no float64 kernel; float64 runs on the scalar reference"};
  }
  return {};
}

}  // namespace

Status validate_options(const Sizes& n, DType dtype, const AttentionOptions& options) {
  ATTEND_RETURN_IF_ERROR(check_scores(n, dtype, options));
  ATTEND_RETURN_IF_ERROR(check_offsets(n, options));
  ATTEND_RETURN_IF_ERROR(check_window(options.window));
  ATTEND_RETURN_IF_ERROR(check_lengths(n, options.kv_lengths));
  ATTEND_RETURN_IF_ERROR(check_broadcast("mask", options.mask, {n.B, n.Hq, n.Tq, n.Tk}, DType::kBool));
  return check_isa(dtype, options);
}

}  // namespace attend
