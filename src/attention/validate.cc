#include "attention/validate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "attend/isa.h"
#include "attention/dispatch.h"
#include "attention/overlap.h"
#include "attention/sizes.h"

namespace attend {
namespace {

/// What one operand must look like.
struct Operand {
  const char* name;
  TensorView view;
  Shape shape;          // expected
  const char* axes[4];  // named in messages
  bool written;
  ByteRange range = {};
};

Status invalid(std::string message) {
  return {StatusCode::kInvalidArgument, std::move(message)};
}

const char* name_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float32";
    case DType::kFloat64:
      return "float64";
    case DType::kBFloat16:
      return "bfloat16";
    case DType::kFloat16:
      return "float16";
    case DType::kInt8:
      return "int8";
    case DType::kBool:
      return "bool";
  }
  return "unknown";
}

std::string axis_of(const std::string& operand, const std::string& axis) {
  return operand + " axis " + axis;
}

/// Which operand an axis is measured on.
const char* source_of(const std::string& axis) {
  if (axis == "Hkv" || axis == "Tk") return "key";
  return axis == "Dv" ? "value" : "query";
}

Status wrong_shape(const Operand& o) {
  for (size_t a = 0; a < 4; ++a) {
    if (o.view.shape[a] == o.shape[a]) continue;
    const std::string found = axis_of(o.name, o.axes[a]) + " is " + std::to_string(o.view.shape[a]);
    const std::string expected = std::to_string(o.shape[a]);
    if (std::string(o.axes[a]) == "3") return invalid(found + ", but must be " + expected);
    return invalid(found + ", but " + axis_of(source_of(o.axes[a]), o.axes[a]) + " is " + expected);
  }
  return {};
}

bool has_elements(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](int64_t n) { return n > 0; });
}

/// Type, shape, memory and strides of one operand; fills in its range.
Status check_operand(Operand& o, DType dtype) {
  if (o.view.shape != o.shape) return wrong_shape(o);
  if (o.view.dtype != dtype) {
    return invalid(std::string(o.name) + " is " + name_of(o.view.dtype) + ", but query is " + name_of(dtype));
  }
  if (!has_elements(o.shape)) return {};
  if (!o.view.present()) return invalid(std::string(o.name) + " is a null pointer");
  if (reinterpret_cast<uintptr_t>(o.view.data) % size_of(dtype) != 0) {
    return invalid(std::string(o.name) + " is not aligned to the " + std::to_string(size_of(dtype)) +
                   " bytes of its elements");
  }
  if (o.shape[3] > 1 && o.view.stride[3] != 1) {
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
Status check_overlaps(std::span<const Operand> operands, const TensorView& mask) {
  const ByteRange mask_range = mask.present() ? *byte_range(mask) : ByteRange{};
  for (const Operand& written : operands) {
    if (!written.written) continue;
    if (overlap(written.view, written.range, mask, mask_range)) {
      return invalid(std::string(written.name) + " overlaps mask in memory");
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

Status check_mask(const Sizes& n, const TensorView& mask) {
  const Shape full = {n.B, n.Hq, n.Tq, n.Tk};
  constexpr const char* kAxes[4] = {"B", "Hq", "Tq", "Tk"};
  if (!mask.present()) {
    if (has_elements(mask.shape)) return invalid("mask is a null pointer");
    return {};
  }
  if (mask.dtype != DType::kBool)
    return invalid(std::string("mask is ") + name_of(mask.dtype) + ", but must be bool");
  for (size_t a = 0; a < 4; ++a) {
    if (mask.shape[a] == full[a] || mask.shape[a] == 1) continue;
    return invalid(axis_of("mask", kAxes[a]) + " is " + std::to_string(mask.shape[a]) +
                   ", but must be 1 or " + axis_of(source_of(kAxes[a]), kAxes[a]) + ", which is " +
                   std::to_string(full[a]));
  }
  if (!byte_range(mask)) return invalid("mask spans more than the address space");
  return {};
}

Status check_options(const Sizes& n, DType dtype, const AttentionOptions& options) {
  if (options.scale && !std::isfinite(*options.scale)) {
    return invalid("scale is " + std::to_string(*options.scale) + ", but must be finite");
  }
  ATTEND_RETURN_IF_ERROR(check_lengths(n, options.kv_lengths));
  ATTEND_RETURN_IF_ERROR(check_mask(n, options.mask));
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

Status check_all(std::span<Operand> operands, const Sizes& n, const AttentionOptions& options) {
  const DType dtype = operands.front().view.dtype;
  if (dtype != DType::kFloat32 && dtype != DType::kFloat64) {
    return {StatusCode::kUnsupported,
            std::string("query is ") + name_of(dtype) + ", but attention computes float32 and float64"};
  }
  ATTEND_RETURN_IF_ERROR(check_sizes(n));
  for (Operand& operand : operands) ATTEND_RETURN_IF_ERROR(check_operand(operand, dtype));
  ATTEND_RETURN_IF_ERROR(check_options(n, dtype, options));
  return check_overlaps(operands, options.mask);
}

}  // namespace

Status validate(const AttentionTensors& t, const AttentionOptions& options) {
  const Sizes n = sizes_of(t.query, t.key, t.value);
  std::array<Operand, 6> operands = {{
      {"query", t.query, {n.B, n.Hq, n.Tq, n.D}, {"B", "Hq", "Tq", "D"}, false},
      {"key", t.key, {n.B, n.Hkv, n.Tk, n.D}, {"B", "Hkv", "Tk", "D"}, false},
      {"value", t.value, {n.B, n.Hkv, n.Tk, n.Dv}, {"B", "Hkv", "Tk", "Dv"}, false},
      {"output", t.output, {n.B, n.Hq, n.Tq, n.Dv}, {"B", "Hq", "Tq", "Dv"}, true},
  }};
  size_t count = 4;
  if (t.lse.present()) operands[count++] = {"lse", t.lse, {n.B, n.Hq, n.Tq, 1}, {"B", "Hq", "Tq", "3"}, true};
  if (t.weights.present()) {
    operands[count++] = {"weights", t.weights, {n.B, n.Hq, n.Tq, n.Tk}, {"B", "Hq", "Tq", "Tk"}, true};
  }
  return check_all(std::span(operands.data(), count), n, options);
}

Status validate(const AttentionGradientTensors& t, const AttentionOptions& options) {
  const Sizes n = sizes_of(t.query, t.key, t.value);
  const Shape query = {n.B, n.Hq, n.Tq, n.D}, key = {n.B, n.Hkv, n.Tk, n.D}, value = {n.B, n.Hkv, n.Tk, n.Dv},
              output = {n.B, n.Hq, n.Tq, n.Dv};
  std::array<Operand, 9> operands = {{
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
  return check_all(operands, n, options);
}

}  // namespace attend
