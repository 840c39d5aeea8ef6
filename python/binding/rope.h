// Rotary position embedding: as an argument of other operations, and by itself.
#ifndef ATTEND_PYTHON_BINDING_ROPE_H_
#define ATTEND_PYTHON_BINDING_ROPE_H_

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "attend/rope.h"
#include "binding/array.h"

namespace attend::python {

/// Tables and what they borrow: (cos, sin, layout), or none from None.
class RopeArgument {
 public:
  RopeArgument() = default;
  explicit RopeArgument(const nb::object& given);

  Rope rope() const;

 private:
  RopeLayout layout_ = RopeLayout::kHalfSplit;
  std::optional<Array> cos_, sin_;
};

/// Where rows stand, as Python's side hands it over: a contiguous copy of its own. None is empty.
class PositionsArgument {
 public:
  PositionsArgument() = default;
  PositionsArgument(const nb::object& given, const std::string& name);

  std::span<const int64_t> numbers() const;

 private:
  std::optional<nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig>> numbers_;
};

/// rope and rope_table.
void bind_rope(nb::module_& m);

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_ROPE_H_
