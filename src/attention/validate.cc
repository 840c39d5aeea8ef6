#include "attention/validate.h"

#include <array>
#include <cctype>
#include <initializer_list>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "attention/dtypes.h"
#include "attention/operand.h"
#include "attention/refusal.h"
#include "attention/sizes.h"
#include "attention/validate_options.h"
#include "attention/validate_rope.h"

namespace attend {
namespace {

/// An operand and what it must look like.
struct Expected {
  Operand operand;  // an axis whose name is a number must be 1
  Shape shape;
  bool written;
  bool sums = false;           // its type is that of sums, see sum_type()
  const char* like = nullptr;  // the option whose shape it must have; its keys may be any stride apart
};

Status check_shape(const Expected& e) {
  for (size_t a = 0; a < 4; ++a) {
    if (e.operand.view.shape[a] == e.shape[a]) continue;
    const std::string axis = e.operand.axes[a], found = axis_is(e.operand, a) + ", but ",
                      expected = std::to_string(e.shape[a]);
    if (e.like != nullptr) return invalid(found + axis_of(e.like, axis) + " is " + expected);
    if (std::isdigit(axis[0])) return invalid(found + "must be " + expected);
    return invalid(found + axis_of(source_of(axis), axis) + " is " + expected);
  }
  return {};
}

Status check_operand(const Expected& e, const Operand& query) {
  ATTEND_RETURN_IF_ERROR(check_shape(e));
  ATTEND_RETURN_IF_ERROR(e.sums ? check_type(e.operand, sum_type(query.view.dtype))
                                : check_same_type(e.operand, query));
  ATTEND_RETURN_IF_ERROR(e.like != nullptr ? check_address(e.operand) : check_memory(e.operand));
  return e.written ? check_written(e.operand) : Status();
}

/// Nothing that is written may share memory with anything else.
Status check_overlaps(std::span<const Expected> operands, const AttentionOptions& o, const CallAxes& axes) {
  const Operand reads[] = {{"mask", o.mask, {}},
                           {"bias", o.bias, {}},
                           {"alibi_slopes", o.alibi_slopes, {}},
                           {"sinks", o.sinks, {}},
                           cos_of(o.rope),
                           sin_of(o.rope),
                           list_of("query_offset", o.query_offset),
                           list_of("kv_lengths", o.kv_lengths),
                           list_of("query_positions", o.query_positions),
                           list_of("key_positions", o.key_positions),
                           list_of(axes.query_starts_name, axes.query_starts),
                           list_of(axes.key_starts_name, axes.scores.key_starts)};
  for (const Expected& written : operands) {
    if (!written.written) continue;
    for (const Operand& read : reads) ATTEND_RETURN_IF_ERROR(check_apart(written.operand, read));
    for (const Expected& other : operands) {
      if (&written != &other) ATTEND_RETURN_IF_ERROR(check_apart(written.operand, other.operand));
    }
  }
  return {};
}

Status check_sizes(const Sizes& n, const CallAxes& axes) {
  struct Axis {
    const char *operand, *name;
    int64_t size;
  };
  for (const Axis& a : {Axis{"query", "B", n.B}, Axis{"query", "Hq", n.Hq}, Axis{"query", axes.queries, n.Tq},
                        Axis{"key", "Hkv", n.Hkv}, Axis{"key", axes.keys, n.Tk}}) {
    if (a.size < 0 || a.size > kLongestAxis) {
      return invalid(axis_of(a.operand, a.name) + " is " + std::to_string(a.size) +
                     ", but must be in 0..2^48");
    }
  }
  for (const Axis& a : {Axis{"query", "D", n.D}, Axis{"value", "Dv", n.Dv}}) {
    if (a.size < 1 || a.size > kWidestRow) {
      return invalid(axis_of(a.operand, a.name) + " is " + std::to_string(a.size) + ", but must be in 1.." +
                     std::to_string(kWidestRow));
    }
  }
  if (n.Hkv == 0 ? n.Hq != 0 : n.Hq % n.Hkv != 0) {
    return invalid("query axis Hq is " + std::to_string(n.Hq) +
                   ", but must be a multiple of key axis Hkv, which is " + std::to_string(n.Hkv));
  }
  return {};
}

Status check_type(DType dtype) {
  if (dtype == DType::kFloat32 || dtype == DType::kFloat64 || has_sixteen_bits(dtype)) return {};
  return {StatusCode::kUnsupported, std::string("query is ") + name_of(dtype) +
                                        ", but attention computes float32, bfloat16, float16 and float64"};
}

Status check_all(std::span<const Expected> operands, const Sizes& n, const AttentionOptions& options,
                 const CallAxes& axes) {
  const Operand& query = operands.front().operand;
  const DType dtype = query.view.dtype;
  ATTEND_RETURN_IF_ERROR(check_type(dtype));
  ATTEND_RETURN_IF_ERROR(check_sizes(n, axes));
  for (const Expected& expected : operands) ATTEND_RETURN_IF_ERROR(check_operand(expected, query));
  ATTEND_RETURN_IF_ERROR(validate_options(axes.scores, dtype, options));
  ATTEND_RETURN_IF_ERROR(check_rope(options.rope, query, sum_type(dtype)));
  ATTEND_RETURN_IF_ERROR(check_given("query_positions", options.query_positions, options.rope, n.B, n.Tq));
  ATTEND_RETURN_IF_ERROR(check_given("key_positions", options.key_positions, options.rope, n.B, n.Tk));
  const bool packed = !axes.scores.key_starts.empty();  // then places are those of sequences
  if (options.rope.present() && !packed) ATTEND_RETURN_IF_ERROR(check_places(n, options));
  return check_overlaps(operands, options, axes);
}

CallAxes axes_of(const Sizes& n) {
  return {.scores = {.size = {n.B, n.Hq, n.Tq, n.Tk}}};
}

}  // namespace

Status validate(const AttentionTensors& t, const AttentionOptions& options) {
  return validate(t, options, axes_of(sizes_of(t.query, t.key, t.value)));
}

Status validate(const AttentionGradientTensors& t, const AttentionOptions& options) {
  return validate(t, options, axes_of(sizes_of(t.query, t.key, t.value)));
}

Status validate(const AttentionTensors& t, const AttentionOptions& options, const CallAxes& axes) {
  const Sizes n = sizes_of(t.query, t.key, t.value);
  const char *const Tq = axes.queries, *const Tk = axes.keys;
  std::array<Expected, 8> operands = {{
      {{"query", t.query, {"B", "Hq", Tq, "D"}}, {n.B, n.Hq, n.Tq, n.D}, false},
      {{"key", t.key, {"B", "Hkv", Tk, "D"}}, {n.B, n.Hkv, n.Tk, n.D}, false},
      {{"value", t.value, {"B", "Hkv", Tk, "Dv"}}, {n.B, n.Hkv, n.Tk, n.Dv}, false},
      {{"output", t.output, {"B", "Hq", Tq, "Dv"}}, {n.B, n.Hq, n.Tq, n.Dv}, true},
  }};
  size_t count = 4;
  if (is_given(t.lse)) {
    operands[count++] = {{"lse", t.lse, {"B", "Hq", Tq, "3"}}, {n.B, n.Hq, n.Tq, 1}, true, true};
  }
  if (is_given(t.weights)) {
    operands[count++] = {{"weights", t.weights, {"B", "Hq", Tq, Tk}}, {n.B, n.Hq, n.Tq, n.Tk}, true, true};
  }
  if (is_given(t.head_mean)) {
    operands[count++] = {{"head_mean", t.head_mean, {"B", "1", Tq, Tk}}, {n.B, 1, n.Tq, n.Tk}, true, true};
  }
  if (is_given(t.column_sums)) {
    operands[count++] = {
        {"column_sums", t.column_sums, {"B", "Hq", "2", Tk}}, {n.B, n.Hq, 1, n.Tk}, true, true};
  }
  return check_all(std::span(operands.data(), count), n, options, axes);
}

Status validate(const AttentionGradientTensors& t, const AttentionOptions& options, const CallAxes& axes) {
  const char *const Tq = axes.queries, *const Tk = axes.keys;
  const Sizes n = sizes_of(t.query, t.key, t.value);
  const Shape query = {n.B, n.Hq, n.Tq, n.D}, key = {n.B, n.Hkv, n.Tk, n.D}, value = {n.B, n.Hkv, n.Tk, n.Dv},
              output = {n.B, n.Hq, n.Tq, n.Dv};
  std::array<Expected, 11> operands = {{
      {{"query", t.query, {"B", "Hq", Tq, "D"}}, query, false},
      {{"key", t.key, {"B", "Hkv", Tk, "D"}}, key, false},
      {{"value", t.value, {"B", "Hkv", Tk, "Dv"}}, value, false},
      {{"output", t.output, {"B", "Hq", Tq, "Dv"}}, output, false},
      {{"lse", t.lse, {"B", "Hq", Tq, "3"}}, {n.B, n.Hq, n.Tq, 1}, false, true},
      {{"output_gradient", t.output_gradient, {"B", "Hq", Tq, "Dv"}}, output, false},
      {{"query_gradient", t.query_gradient, {"B", "Hq", Tq, "D"}}, query, true},
      {{"key_gradient", t.key_gradient, {"B", "Hkv", Tk, "D"}}, key, true},
      {{"value_gradient", t.value_gradient, {"B", "Hkv", Tk, "Dv"}}, value, true},
  }};
  for (const auto& [gradient, of, name] : {std::tuple{&t.bias_gradient, &options.bias, "bias"},
                                           std::tuple{&t.sinks_gradient, &options.sinks, "sinks"}}) {
    if (is_given(*gradient) && !of->present()) {
      return invalid(std::string(name) + "_gradient is asked for, but " + name + " is absent");
    }
  }
  size_t count = 9;
  if (is_given(t.bias_gradient)) {
    operands[count++] = {
        {"bias_gradient", t.bias_gradient, {"B", "Hq", Tq, Tk}}, options.bias.shape, true, true, "bias"};
  }
  if (is_given(t.sinks_gradient)) {
    operands[count++] = {{"sinks_gradient", t.sinks_gradient, {"B", "Hq", "2", "3"}},
                         options.sinks.shape,
                         true,
                         true,
                         "sinks"};
  }
  return check_all(std::span(operands.data(), count), n, options, axes);
}

}  // namespace attend
