#include "binding/rope.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <tuple>
#include <vector>

#include "binding/cast.h"
#include "binding/options.h"
#include "binding/refusal.h"

namespace attend::python {
namespace {

using namespace nb::literals;  // NOLINT(google-build-using-namespace): "name"_a

RopeLayout rope_layout_from_name(const std::string& name) {
  if (name == "half_split") return RopeLayout::kHalfSplit;
  if (name == "interleaved") return RopeLayout::kInterleaved;
  refuse_value("rope_layout is \"" + name + "\", but must be \"half_split\" or \"interleaved\"");
}

void rope(const Array& input, const nb::object& tables, const Array& output, const nb::object& positions,
          bool transposed, const std::string& layout_name, const nb::object& threads) {
  const Layout layout = layout_from_name(layout_name);
  const RopeArgument argument(tables);
  const PositionsArgument places(positions, "positions");
  const RopeTensors tensors = {input.heads(layout), output.heads(layout)};
  const std::unique_ptr<Executor> executor = executor_of(threads);
  raise_unless_ok([&] {
    return attend::rope(tensors, {argument.rope(), places.numbers(), transposed}, *executor);
  });
}

void rope_table(const Array& cos, const Array& sin, double base, double position_scale,
                const nb::object& frequencies, double magnitude) {
  std::vector<double> own;
  if (!frequencies.is_none()) own = cast<std::vector<double>>(frequencies, "frequencies", "numbers");
  if (!frequencies.is_none() && own.empty()) refuse_value("frequencies has 0 numbers");
  raise_if_error(attend::rope_table(
      {.base = base, .position_scale = position_scale, .frequencies = own, .magnitude = magnitude},
      {cos.table(), sin.table()}));
}

}  // namespace

RopeArgument::RopeArgument(const nb::object& given) {
  if (given.is_none()) return;
  const auto [cos, sin, layout] =
      cast<std::tuple<nb::object, nb::object, std::string>>(given, "rope", "tables of cosines and sines");
  layout_ = rope_layout_from_name(layout);
  cos_.emplace(cos, "rope.cos", false, kSumTypes);
  sin_.emplace(sin, "rope.sin", false, kSumTypes);
}

Rope RopeArgument::rope() const {
  if (!cos_) return {};
  return {layout_, cos_->table(), sin_->table()};
}

PositionsArgument::PositionsArgument(const nb::object& given, const std::string& name) {
  if (given.is_none()) return;
  numbers_ = cast<nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig>>(given, name, "an array of int64");
}

std::span<const int64_t> PositionsArgument::numbers() const {
  if (!numbers_) return {};
  return {numbers_->data(), numbers_->size()};
}

void bind_rope(nb::module_& m) {
  m.def("rope", &rope, "input"_a, "tables"_a, "output"_a, "positions"_a.none(), "transposed"_a, "layout"_a,
        "threads"_a.none());
  m.def("rope_table", &rope_table, "cos"_a, "sin"_a, "base"_a, "position_scale"_a, "frequencies"_a.none(),
        "magnitude"_a);
}

}  // namespace attend::python
