// Arrays of other libraries, borrowed without a copy: NumPy's, and whatever speaks DLPack.
#ifndef ATTEND_PYTHON_BINDING_ARRAY_H_
#define ATTEND_PYTHON_BINDING_ARRAY_H_

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <optional>
#include <string>

#include "attend/tensor.h"

namespace attend::python {

namespace nb = nanobind;

/// An array of any type on the CPU, without a copy, but for a tensor of PyTorch's with the negative bit.
/// `name` stands in messages. TypeError for what exports no array, ValueError for one that is not in the
/// CPU's memory.
nb::ndarray<nb::ro> borrowed(const nb::object& object, const std::string& name);

/// The order of an array's four axes. Views always have heads before tokens.
enum class Layout { kBhtd, kBthd };

/// "bhtd" or "bthd"; anything else is a ValueError.
Layout layout_from_name(const std::string& name);

/// What Array's types are for tensors of the type that sums are kept in, in messages.
inline constexpr const char* kSumTypes = "float32, or float64 beside float64";

/// "uint8" and its like, for messages.
std::string name_of_type(const nb::dlpack::dtype& type);

/// Holds on to an array on the CPU, of a type that has a DType.
class Array {
 public:
  /// As borrowed(); TypeError also for a type that has no DType, saying that it must be one of `types`, and
  /// for a read-only array that is to be writable; ValueError for one with the negative bit.
  Array(const nb::object& object, std::string name, bool writable, const std::string& types);

  nb::tuple shape() const;
  const char* dtype() const;

  /// Four axes in the order that they have.
  MutableTensorView pages() const;
  /// Four axes: heads and tokens as `layout` says. ValueError for any other number of axes.
  MutableTensorView heads(Layout layout) const;
  /// Three axes [tokens, heads, width], as [1, heads, tokens, width].
  MutableTensorView packed() const;
  /// Two axes [Hq, tokens], as [1, Hq, tokens, 1].
  MutableTensorView packed_rows() const;
  /// Two axes [positions, pairs], as [1, 1, positions, pairs].
  MutableTensorView table() const;
  /// Three axes [B, Hq, Tq], as [B, Hq, Tq, 1].
  MutableTensorView rows() const;
  /// One number a query head, [Hq], or [B, Hq], as [1 or B, Hq, 1, 1].
  MutableTensorView per_head() const;
  /// Weights summed over axis 1, the heads, [B, Tq, Tk] as [B, 1, Tq, Tk]; or over axis 2, the queries, [B,
  /// Hq, Tk] as [B, Hq, 1, Tk].
  MutableTensorView weight_sums(int summed_axis) const;
  /// Up to four axes, with axes of size 1 before them, as NumPy broadcasts.
  MutableTensorView broadcast() const;

 private:
  MutableTensorView padded() const;

  nb::ndarray<nb::ro> memory_;
  DType dtype_ = DType::kFloat32;
  std::string name_;
};

/// "float32" and its like; anything else is a ValueError.
DType dtype_from_name(const std::string& name);
const char* name_of_dtype(DType dtype);

/// An array marked as read-only, over memory that `owner` keeps: NumPy's, or one that speaks DLPack
/// alone where NumPy lacks the type.
nb::object read_only_array(const TensorView& view, nb::handle owner);

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_ARRAY_H_
