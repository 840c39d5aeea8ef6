#include "binding/array.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "binding/cast.h"
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

const Named& named(DType dtype) {
  return *std::find_if(std::begin(kTypes), std::end(kTypes),
                       [=](const Named& t) { return t.dtype == dtype; });
}

DType dtype_of(const nb::dlpack::dtype& type, const std::string& name, const std::string& types) {
  for (const Named& t : kTypes) {
    if (type.lanes == 1 && type.code == static_cast<uint8_t>(t.code) && type.bits == t.bits) return t.dtype;
  }
  refuse_type(name + " is " + name_of_type(type) + ", but must be " + types);
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

/// PyTorch has tensors that stand for the negative of what is in their memory, as x.conj().imag does; DLPack
/// does not tell.
bool stands_for_its_negative(const nb::object& object) {
  return nb::hasattr(object, "is_neg") && nb::cast<bool>(object.attr("is_neg")());
}

void check_device(const nb::ndarray<nb::ro>& array, const std::string& name) {
  if (array.device_type() == nb::device::cpu::value) return;
  refuse_value(name + " is on a device of DLPack type " + std::to_string(array.device_type()) +
               ", but must be in the CPU's memory");
}

/// As an array of `Framework`.
template <class Framework>
nb::object exported(const TensorView& view, nb::handle owner) {
  const Named& type = named(view.dtype);
  size_t shape[4];
  std::copy(view.shape.begin(), view.shape.end(), shape);
  return nb::cast(nb::ndarray<nb::ro, Framework>(
      view.data, 4, shape, owner, view.stride.data(),
      nb::dlpack::dtype{static_cast<uint8_t>(type.code), static_cast<uint8_t>(type.bits), 1}));
}

}  // namespace

nb::ndarray<nb::ro> borrowed(const nb::object& object, const std::string& name) {
  const nb::object source = stands_for_its_negative(object) ? object.attr("resolve_neg")() : object;
  auto array = import_array<nb::ndarray<nb::ro>>(source, name, "an array, by DLPack or the buffer protocol");
  check_device(array, name);
  return array;
}

std::string name_of_type(const nb::dlpack::dtype& type) {
  constexpr std::pair<nb::dlpack::dtype_code, const char*> kKinds[] = {
      {nb::dlpack::dtype_code::Int, "int"},
      {nb::dlpack::dtype_code::UInt, "uint"},
      {nb::dlpack::dtype_code::Float, "float"},
      {nb::dlpack::dtype_code::Bfloat, "bfloat"},
      {nb::dlpack::dtype_code::Complex, "complex"}};
  if (type.code == static_cast<uint8_t>(nb::dlpack::dtype_code::Bool)) return "bool";
  const std::string bits = std::to_string(type.bits);
  const std::string lanes = type.lanes == 1 ? "" : " x " + std::to_string(type.lanes);
  for (const auto& [code, kind] : kKinds) {
    if (type.code == static_cast<uint8_t>(code)) return kind + bits + lanes;
  }
  return "of DLPack type " + std::to_string(type.code) + " with " + bits + " bits";
}

DType dtype_from_name(const std::string& name) {
  for (const Named& t : kTypes) {
    if (name == t.name) return t.dtype;
  }
  refuse_value("dtype is \"" + name + "\", which names no type");
}

const char* name_of_dtype(DType dtype) {
  return named(dtype).name;
}

nb::object read_only_array(const TensorView& view, nb::handle owner) {
  if (!view.present()) return nb::none();
  return view.dtype == DType::kBFloat16 ? exported<nb::array_api>(view, owner)
                                        : exported<nb::numpy>(view, owner);
}

Layout layout_from_name(const std::string& name) {
  if (name == "bhtd") return Layout::kBhtd;
  if (name == "bthd") return Layout::kBthd;
  refuse_value("layout is \"" + name + "\", but must be \"bhtd\" or \"bthd\"");
}

Array::Array(const nb::object& object, std::string name, bool writable, const std::string& types)
    : name_(std::move(name)) {
  if (writable) {
    if (stands_for_its_negative(object)) {
      refuse_value(name_ + " stands for the negative of its memory (is_neg()), and cannot be written to");
    }
    memory_ =
        nb::ndarray<nb::ro>(import_array<nb::ndarray<>>(object, name_, "an array that can be written to"));
  } else {
    memory_ = borrowed(object, name_);
  }
  check_device(memory_, name_);
  dtype_ = dtype_of(memory_.dtype(), name_, types);
}

nb::tuple Array::shape() const {
  nb::list shape;
  for (size_t a = 0; a < memory_.ndim(); ++a) shape.append(memory_.shape(a));
  return nb::tuple(shape);
}

const char* Array::dtype() const {
  return name_of_dtype(dtype_);
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

MutableTensorView Array::pages() const {
  if (memory_.ndim() != 4) {
    refuse_value(name_ + " has " + std::to_string(memory_.ndim()) +
                 " axes, but must have 4: [pages, heads, page size, width]");
  }
  return padded();
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

MutableTensorView Array::packed() const {
  if (memory_.ndim() != 3) {
    refuse_value(name_ + " has " + std::to_string(memory_.ndim()) +
                 " axes, but must have 3: [tokens, heads, width]");
  }
  MutableTensorView view = padded();
  std::swap(view.shape[1], view.shape[2]);
  std::swap(view.stride[1], view.stride[2]);
  return view;
}

MutableTensorView Array::packed_rows() const {
  if (memory_.ndim() != 2) {
    refuse_value(name_ + " has " + std::to_string(memory_.ndim()) +
                 " axes, but must have 2: [query heads, tokens]");
  }
  MutableTensorView view = padded();
  std::rotate(view.shape.begin(), view.shape.begin() + 1, view.shape.end());
  std::rotate(view.stride.begin(), view.stride.begin() + 1, view.stride.end());
  return view;
}

MutableTensorView Array::table() const {
  if (memory_.ndim() != 2) {
    refuse_value(name_ + " has " + std::to_string(memory_.ndim()) +
                 " axes, but must have 2: [positions, pairs]");
  }
  return padded();
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
