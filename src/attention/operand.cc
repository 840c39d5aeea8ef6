#include "attention/operand.h"

#include <optional>
#include <utility>

#include "attention/dtypes.h"
#include "attention/overlap.h"
#include "attention/sizes.h"

namespace attend {
namespace {

/// The view with axes 2 and `axis` exchanged: the same elements.
TensorView exchanged(TensorView view, size_t axis) {
  std::swap(view.shape[2], view.shape[axis]);
  std::swap(view.stride[2], view.stride[axis]);
  return view;
}

Status too_far(const Operand& o) {
  return invalid(std::string(o.name) + " spans more than the address space");
}

}  // namespace

std::string axis_is(const Operand& o, size_t axis) {
  return axis_of(o.name, o.axes[axis]) + " is " + std::to_string(o.view.shape[axis]);
}

Status check_same(const Operand& o, size_t axis, const Operand& source) {
  if (o.view.shape[axis] == source.view.shape[axis]) return {};
  return invalid(axis_is(o, axis) + ", but " + axis_is(source, axis));
}

Status check_same(const Operand& o, std::initializer_list<size_t> axes, const Operand& source) {
  for (const size_t axis : axes) ATTEND_RETURN_IF_ERROR(check_same(o, axis, source));
  return {};
}

Status check_size(const Operand& o, size_t axis, int64_t expected) {
  if (o.view.shape[axis] == expected) return {};
  return invalid(axis_is(o, axis) + ", but must be " + std::to_string(expected));
}

Status check_range(const Operand& o, size_t axis, int64_t low, int64_t high) {
  if (o.view.shape[axis] >= low && o.view.shape[axis] <= high) return {};
  return invalid(axis_is(o, axis) + ", but must be " +
                 (high == INT64_MAX ? "at least " + std::to_string(low)
                                    : "in " + std::to_string(low) + ".." + std::to_string(high)));
}

Status check_same_type(const Operand& o, const Operand& source) {
  if (o.view.dtype == source.view.dtype) return {};
  return invalid(std::string(o.name) + " is " + name_of(o.view.dtype) + ", but " + source.name + " is " +
                 name_of(source.view.dtype));
}

Status check_type(const Operand& o, DType expected) {
  if (o.view.dtype == expected) return {};
  return invalid(std::string(o.name) + " is " + name_of(o.view.dtype) + ", but must be " + name_of(expected));
}

Status check_type(const Operand& o, Also also) {
  switch (o.view.dtype) {
    case DType::kFloat32:
    case DType::kBFloat16:
    case DType::kFloat16:
      return {};
    case DType::kInt8:
      if (also == Also::kInt8) return {};
      break;
    case DType::kFloat64:
      if (also == Also::kFloat64) return {};
      break;
    case DType::kBool:
      break;
  }
  const char* allowed = also == Also::kInt8      ? "float32, bfloat16, float16 or int8"
                        : also == Also::kFloat64 ? "float32, float64, bfloat16 or float16"
                                                 : "float32, bfloat16 or float16";
  return {StatusCode::kUnsupported,
          std::string(o.name) + " is " + name_of(o.view.dtype) + ", but must be " + allowed};
}

Status check_address(const Operand& o) {
  if (!has_elements(o.view.shape)) return {};
  if (!o.view.present()) return invalid(std::string(o.name) + " is a null pointer");
  const size_t size = size_of(o.view.dtype);
  if (reinterpret_cast<uintptr_t>(o.view.data) % size != 0) {
    return invalid(std::string(o.name) + " is not aligned to the " + std::to_string(size) +
                   " bytes of its elements");
  }
  return byte_range(o.view) ? Status() : too_far(o);
}

Status check_memory(const Operand& o) {
  ATTEND_RETURN_IF_ERROR(check_address(o));
  if (!has_elements(o.view.shape) || o.view.shape[3] == 1 || o.view.stride[3] == 1) return {};
  return invalid(axis_of(o.name, o.axes[3]) + " has stride " + std::to_string(o.view.stride[3]) +
                 ", but its rows must be contiguous, with stride 1");
}

Status check_written(const Operand& o) {
  if (!o.view.present() || !overlaps_itself(o.view)) return {};
  return invalid(std::string(o.name) + " is written, but its strides put several elements at one address");
}

Status check_apart(const Operand& written, const Operand& other) {
  const TensorView &a = written.view, &b = other.view;
  if (!a.present() || !b.present()) return {};
  const std::optional<ByteRange> a_range = byte_range(a), b_range = byte_range(b);
  if (!a_range) return too_far(written);
  if (!b_range) return too_far(other);
  // overlap() tells tensors apart that are interleaved at the pitch of axis 2; they may also alternate head
  // by head or, as keys and values of a cache do, page by page.
  for (size_t axis : {size_t{2}, size_t{0}, size_t{1}}) {
    if (!overlap(exchanged(a, axis), *a_range, exchanged(b, axis), *b_range)) return {};
  }
  return invalid(std::string(written.name) + " overlaps " + other.name + " in memory");
}

bool is_given(const TensorView& view) {
  return view.present() || has_elements(view.shape);
}

bool same_tensor(const TensorView& a, const TensorView& b) {
  return a.data == b.data && a.dtype == b.dtype && a.shape == b.shape && a.stride == b.stride;
}

}  // namespace attend
