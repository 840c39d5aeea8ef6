#include "binding/array.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "binding/refusal.h"

namespace attend::python {
namespace {

struct Named {
  DType dtype;
  const char* name;
  nb::dlpack::dtype_code code;
  int bits;
};
constexpr Named kTypes[] = {{DType::kFloat32, "float32", nb::dlpack::dtype_code::Float, 32},
                            {DType::kFloat64, "float64", nb::dlpack::dtype_code::Float, 64},
                            {DType::kBFloat16, "bfloat16", nb::dlpack::dtype_code::Bfloat, 16},
                            {DType::kFloat16, "float16", nb::dlpack::dtype_code::Float, 16},
                            {DType::kInt8, "int8", nb::dlpack::dtype_code::Int, 8},
                            {DType::kBool, "bool", nb::dlpack::dtype_code::Bool, 8}};

DType dtype_of(const nb::dlpack::dtype& type, const std::string& name) {
  for (const Named& t : kTypes) {
    if (type.lanes == 1 && type.code == static_cast<uint8_t>(t.code) && type.bits == t.bits) return t.dtype;
  }
  refuse_type(name + " has elements of " + std::to_string(type.bits) + " bits and DLPack type " +
              std::to_string(type.code) + ", but must be float32, float64, bfloat16, float16, int8 or bool");
}

std::string type_name(const nb::object& object) {
  return nb::cast<std::string>(nb::str(object.type().attr("__name__")));
}

/// Imports without a copy. Where that fails, the object's own reason (a tensor that requires grad, a strange
/// stride) is worth more than ours.
template <class NdArray>
NdArray import_array(const nb::object& object, const std::string& name, const char* need) {
  NdArray array;
  if (nb::try_cast(object, array, false)) return array;
  std::string sentence = name + " is " + type_name(object) + ", but must be " + need;
  if (nb::hasattr(object, "__dlpack__")) {
    try {
      object.attr("__dlpack__")();
    } catch (nb::python_error& e) {
      sentence += std::string(" (") + nb::cast<std::string>(nb::str(e.value())) + ")";
    }
  }
  refuse_type(sentence);
}

}  // namespace

Layout layout_from_name(const std::string& name) {
  if (name == "bhtd") return Layout::kBhtd;
  if (name == "bthd") return Layout::kBthd;
  refuse_value("layout is \"" + name + "\", but must be \"bhtd\" or \"bthd\"");
}

Array::Array(const nb::object& object, std::string name, bool writable) : name_(std::move(name)) {
  if (writable) {
    memory_ =
        nb::ndarray<nb::ro>(import_array<nb::ndarray<>>(object, name_, "an array that can be written to"));
  } else {
    memory_ = import_array<nb::ndarray<nb::ro>>(object, name_, "an array, by DLPack or the buffer protocol");
  }
  if (memory_.device_type() != nb::device::cpu::value) {
    refuse_value(name_ + " is on a device of DLPack type " + std::to_string(memory_.device_type()) +
                 ", but must be in the CPU's memory");
  }
  dtype_ = dtype_of(memory_.dtype(), name_);
}

nb::tuple Array::shape() const {
  nb::list shape;
  for (size_t a = 0; a < memory_.ndim(); ++a) shape.append(memory_.shape(a));
  return nb::tuple(shape);
}

const char* Array::dtype() const {
  return std::find_if(std::begin(kTypes), std::end(kTypes),
                      [this](const Named& t) { return t.dtype == dtype_; })
      ->name;
}

MutableTensorView Array::padded() const {
  // Written to only by operations on arrays that were imported as writable.
  MutableTensorView view(const_cast<void*>(memory_.data()), dtype_, {1, 1, 1, 1}, {0, 0, 0, 0});
  const size_t axes = memory_.ndim();
  for (size_t a = 0; a < axes; ++a) {
    view.shape[4 - axes + a] = static_cast<int64_t>(memory_.shape(a));
    view.stride[4 - axes + a] = memory_.stride(a);
  }
  return view;
}

MutableTensorView Array::heads(Layout layout) const {
  if (memory_.ndim() != 4) {
    refuse_value(
        name_ + " has " + std::to_string(memory_.ndim()) + " axes, but must have 4: " +
        (layout == Layout::kBhtd ? "[batch, heads, tokens, width]" : "[batch, tokens, heads, width]"));
  }
  MutableTensorView view = padded();
  if (layout == Layout::kBthd) {
    std::swap(view.shape[1], view.shape[2]);
    std::swap(view.stride[1], view.stride[2]);
  }
  return view;
}

MutableTensorView Array::rows() const {
  if (memory_.ndim() != 3) {
    refuse_value(name_ + " has " + std::to_string(memory_.ndim()) +
                 " axes, but must have 3: [batch, query heads, queries]");
  }
  MutableTensorView view = padded();
  std::rotate(view.shape.begin(), view.shape.begin() + 1, view.shape.end());
  std::rotate(view.stride.begin(), view.stride.begin() + 1, view.stride.end());
  return view;
}

MutableTensorView Array::per_head() const {
  if (memory_.ndim() != 1 && memory_.ndim() != 2) {
    refuse_value(name_ + " has " + std::to_string(memory_.ndim()) +
                 " axes, but must have 1, [query heads], or 2, [batch, query heads]");
  }
  MutableTensorView view = padded();
  std::rotate(view.shape.begin(), view.shape.begin() + 2, view.shape.end());
  std::rotate(view.stride.begin(), view.stride.begin() + 2, view.stride.end());
  return view;
}

MutableTensorView Array::weight_sums(int summed_axis) const {
  if (memory_.ndim() != 3)
    refuse_value(name_ + " has " + std::to_string(memory_.ndim()) + " axes, but must have 3");
  MutableTensorView view = padded();
  std::rotate(view.shape.begin(), view.shape.begin() + 1, view.shape.begin() + 1 + summed_axis);
  std::rotate(view.stride.begin(), view.stride.begin() + 1, view.stride.begin() + 1 + summed_axis);
  return view;
}

MutableTensorView Array::broadcast() const {
  if (memory_.ndim() > 4) {
    refuse_value(name_ + " has " + std::to_string(memory_.ndim()) +
                 " axes, but must have at most 4: [batch, query heads, queries, keys]");
  }
  return padded();
}

}  // namespace attend::python
