// What is checked about each tensor of a call, in the words of error messages.
#ifndef ATTEND_ATTENTION_OPERAND_H_
#define ATTEND_ATTENTION_OPERAND_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "attend/status.h"
#include "attend/tensor.h"
#include "attention/refusal.h"

namespace attend {

struct Operand {
  const char* name;
  TensorView view;
  std::array<const char*, 4> axes;  // named in messages
};

/// "query axis D is 5"
std::string axis_is(const Operand& operand, size_t axis);

/// The axis has the size of the `source`'s axis of the same place.
Status check_same(const Operand& operand, size_t axis, const Operand& source);
Status check_same(const Operand& operand, std::initializer_list<size_t> axes, const Operand& source);
Status check_size(const Operand& operand, size_t axis, int64_t expected);
Status check_range(const Operand& operand, size_t axis, int64_t low, int64_t high);

/// "cache value is float16, but cache key is float32"
Status check_same_type(const Operand& operand, const Operand& source);

Status check_type(const Operand& operand, DType expected);

/// One of float32, bfloat16 and float16, and int8 or float64 where that is allowed too.
enum class Also { kNothing, kInt8, kFloat64 };
Status check_type(const Operand& operand, Also also);

/// There is memory, aligned, within the address space. Nothing is asked of a tensor without elements.
Status check_address(const Operand& operand);

/// check_address(), and the rows are contiguous.
Status check_memory(const Operand& operand);

/// Different elements of a tensor that is written have different addresses.
Status check_written(const Operand& operand);

/// A list of numbers that is read, as the bytes that it is.
template <class T>
Operand list_of(const char* name, std::span<const T> numbers) {
  return {name,
          {numbers.data(), DType::kInt8, {1, 1, 1, static_cast<int64_t>(numbers.size_bytes())}, {0, 0, 0, 1}},
          {}};
}

/// An operand that is absent shares nothing.
Status check_apart(const Operand& written, const Operand& other);

/// Whether an optional tensor was given. One whose shape has elements, but which has no memory, was: it is
/// refused like any other operand.
bool is_given(const TensorView& view);

/// Whether the two are one tensor, which may then be changed in place.
bool same_tensor(const TensorView& a, const TensorView& b);

}  // namespace attend

#endif  // ATTEND_ATTENTION_OPERAND_H_
