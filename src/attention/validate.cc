#include "attention/validate.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>

#include "attention/overlap.h"
#include "attention/refusal.h"
#include "attention/sizes.h"
#include "attention/validate_options.h"

namespace attend {
namespace {

/// What one operand must look like.
struct Operand {
  const char* name;
  TensorView view;
  Shape shape;          // expected
  const char* axes[4];  // named in messages; a number where the axis has no name, and is 1
  bool written;
  bool sums = false;           // its type is that of sums, see sum_type()
  const char* like = nullptr;  // the option whose shape it must have; its keys may be any stride apart
  ByteRange range = {};
};

Status wrong_shape(const Operand& o) {
  for (size_t a = 0; a < 4; ++a) {
    if (o.view.shape[a] == o.shape[a]) continue;
    const std::string found = axis_of(o.name, o.axes[a]) + " is " + std::to_string(o.view.shape[a]);
    const std::string expected = std::to_string(o.shape[a]);
    if (o.like != nullptr) return invalid(found + ", but " + axis_of(o.like, o.axes[a]) + " is " + expected);
    if (std::isdigit(o.axes[a][0])) return invalid(found + ", but must be " + expected);
    return invalid(found + ", but " + axis_of(source_of(o.axes[a]), o.axes[a]) + " is " + expected);
  }
  return {};
}

/// Type, shape, memory and strides of one operand; fills in its range.
Status check_operand(Operand& o, DType query_type) {
  if (o.view.shape != o.shape) return wrong_shape(o);
  const DType dtype = o.sums ? sum_type(query_type) : query_type;
  if (o.view.dtype != dtype) {
    const std::string found = std::string(o.name) + " is " + name_of(o.view.dtype);
    return invalid(found + (dtype == query_type ? ", but query is " : ", but must be ") + name_of(dtype));
  }
  if (!has_elements(o.shape)) return {};
  if (!o.view.present()) return invalid(std::string(o.name) + " is a null pointer");
  if (reinterpret_cast<uintptr_t>(o.view.data) % size_of(dtype) != 0) {
    return invalid(std::string(o.name) + " is not aligned to the " + std::to_string(size_of(dtype)) +
                   " bytes of its elements");
  }
  if (o.like == nullptr && o.shape[3] > 1 && o.view.stride[3] != 1) {
    return invalid(axis_of(o.name, o.axes[3]) + " has stride " + std::to_string(o.view.stride[3]) +
                   ", but its rows must be contiguous, with stride 1");
  }
  const std::optional<ByteRange> range = byte_range(o.view);
  if (!range) return invalid(std::string(o.name) + " spans more than the address space");
  o.range = *range;
  if (o.written && overlaps_itself(o.view)) {
    return invalid(std::string(o.name) + " is written, but its strides put several elements at one address");
  }
  return {};
}

/// Nothing that is written may share memory with anything else.
Status check_overlaps(std::span<const Operand> operands, const AttentionOptions& options) {
  struct Read {
    const char* name;
    const TensorView& view;
  };
  const Read reads[] = {{"mask", options.mask},
                        {"bias", options.bias},
                        {"alibi_slopes", options.alibi_slopes},
                        {"sinks", options.sinks}};
  for (const Operand& written : operands) {
    if (!written.written) continue;
    for (const Read& read : reads) {
      if (!read.view.present() || !overlap(written.view, written.range, read.view, *byte_range(read.view)))
        continue;
      return invalid(std::string(written.name) + " overlaps " + read.name + " in memory");
    }
    for (const Operand& other : operands) {
      if (&written == &other || !overlap(written.view, written.range, other.view, other.range)) continue;
      return invalid(std::string(written.name) + " overlaps " + other.name + " in memory");
    }
  }
  return {};
}

Status check_sizes(const Sizes& n) {
  struct Axis {
    const char *operand, *name;
    int64_t size;
  };
  for (const Axis& a : {Axis{"query", "B", n.B}, Axis{"query", "Hq", n.Hq}, Axis{"query", "Tq", n.Tq},
                        Axis{"key", "Hkv", n.Hkv}, Axis{"key", "Tk", n.Tk}}) {
    if (a.size < 0) {
      return invalid(axis_of(a.operand, a.name) + " is " + std::to_string(a.size) +
                     ", but must be at least 0");
    }
  }
  for (const Axis& a : {Axis{"query", "D", n.D}, Axis{"value", "Dv", n.Dv}}) {
    if (a.size < 1 || a.size > 1024) {
      return invalid(axis_of(a.operand, a.name) + " is " + std::to_string(a.size) +
                     ", but must be in 1..1024");
    }
  }
  if (n.Hkv == 0 ? n.Hq != 0 : n.Hq % n.Hkv != 0) {
    return invalid("query axis Hq is " + std::to_string(n.Hq) +
                   ", but must be a multiple of key axis Hkv, which is " + std::to_string(n.Hkv));
  }
  return {};
}

bool has_sixteen_bits(DType dtype) {
  return dtype == DType::kBFloat16 || dtype == DType::kFloat16;
}

Status check_type(DType dtype) {
  if (dtype == DType::kFloat32 || dtype == DType::kFloat64 || has_sixteen_bits(dtype)) return {};
  return {StatusCode::kUnsupported, std::string("query is ") + name_of(dtype) +
                                        ", but attention computes float32, bfloat16, float16 and float64"};
}

Status check_all(std::span<Operand> operands, const Sizes& n, const AttentionOptions& options) {
  const DType dtype = operands.front().view.dtype;
  ATTEND_RETURN_IF_ERROR(check_type(dtype));
  ATTEND_RETURN_IF_ERROR(check_sizes(n));
  for (Operand& operand : operands) ATTEND_RETURN_IF_ERROR(check_operand(operand, dtype));
  ATTEND_RETURN_IF_ERROR(validate_options(n, dtype, options));
  return check_overlaps(operands, options);
}

}  // namespace

Status validate(const AttentionTensors& t, const AttentionOptions& options) {
  const Sizes n = sizes_of(t.query, t.key, t.value);
  std::array<Operand, 8> operands = {{
      {"query", t.query, {n.B, n.Hq, n.Tq, n.D}, {"B", "Hq", "Tq", "D"}, false},
      {"key", t.key, {n.B, n.Hkv, n.Tk, n.D}, {"B", "Hkv", "Tk", "D"}, false},
      {"value", t.value, {n.B, n.Hkv, n.Tk, n.Dv}, {"B", "Hkv", "Tk", "Dv"}, false},
      {"output", t.output, {n.B, n.Hq, n.Tq, n.Dv}, {"B", "Hq", "Tq", "Dv"}, true},
  }};
  size_t count = 4;
  if (t.lse.present())
    operands[count++] = {"lse", t.lse, {n.B, n.Hq, n.Tq, 1}, {"B", "Hq", "Tq", "3"}, true, true};
  if (t.weights.present()) {
    operands[count++] = {"weights", t.weights, {n.B, n.Hq, n.Tq, n.Tk}, {"B", "Hq", "Tq", "Tk"}, true, true};
  }
  if (t.head_mean.present()) {
    operands[count++] = {"head_mean", t.head_mean, {n.B, 1, n.Tq, n.Tk}, {"B", "1", "Tq", "Tk"}, true, true};
  }
  if (t.column_sums.present()) {
    operands[count++] = {"column_sums",          t.column_sums, {n.B, n.Hq, 1, n.Tk},
                         {"B", "Hq", "2", "Tk"}, true,          true};
  }
  return check_all(std::span(operands.data(), count), n, options);
}

Status validate(const AttentionGradientTensors& t, const AttentionOptions& options) {
  const Sizes n = sizes_of(t.query, t.key, t.value);
  const Shape query = {n.B, n.Hq, n.Tq, n.D}, key = {n.B, n.Hkv, n.Tk, n.D}, value = {n.B, n.Hkv, n.Tk, n.Dv},
              output = {n.B, n.Hq, n.Tq, n.Dv};
  if (has_sixteen_bits(t.query.dtype)) {
    return {StatusCode::kUnsupported, std::string("query is ") + name_of(t.query.dtype) +
                                          ", but attention_backward computes float32 and float64"};
  }
  std::array<Operand, 11> operands = {{
      {"query", t.query, query, {"B", "Hq", "Tq", "D"}, false},
      {"key", t.key, key, {"B", "Hkv", "Tk", "D"}, false},
      {"value", t.value, value, {"B", "Hkv", "Tk", "Dv"}, false},
      {"output", t.output, output, {"B", "Hq", "Tq", "Dv"}, false},
      {"lse", t.lse, {n.B, n.Hq, n.Tq, 1}, {"B", "Hq", "Tq", "3"}, false},
      {"output_gradient", t.output_gradient, output, {"B", "Hq", "Tq", "Dv"}, false},
      {"query_gradient", t.query_gradient, query, {"B", "Hq", "Tq", "D"}, true},
      {"key_gradient", t.key_gradient, key, {"B", "Hkv", "Tk", "D"}, true},
      {"value_gradient", t.value_gradient, value, {"B", "Hkv", "Tk", "Dv"}, true},
  }};
  for (const auto& [gradient, of, name] : {std::tuple{&t.bias_gradient, &options.bias, "bias"},
                                           std::tuple{&t.sinks_gradient, &options.sinks, "sinks"}}) {
    if (gradient->present() && !of->present()) {
      return invalid(std::string(name) + "_gradient is asked for, but " + name + " is absent");
    }
  }
  size_t count = 9;
  if (t.bias_gradient.present()) {
    operands[count++] = {
        "bias_gradient", t.bias_gradient, options.bias.shape, {"B", "Hq", "Tq", "Tk"}, true, true, "bias"};
  }
  if (t.sinks_gradient.present()) {
    operands[count++] = {
        "sinks_gradient", t.sinks_gradient, options.sinks.shape, {"B", "Hq", "2", "3"}, true, true, "sinks"};
  }
  return check_all(std::span(operands.data(), count), n, options);
}

}  // namespace attend
