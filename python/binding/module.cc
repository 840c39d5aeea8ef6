// The extension module behind the package `attend`.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <string>

#include "attend/isa.h"
#include "binding/array.h"
#include "binding/attention.h"
#include "binding/decode.h"
#include "binding/kv_cache.h"
#include "binding/rope.h"
#include "binding/varlen.h"

NB_MODULE(_attend, m) {
  using namespace nanobind::literals;  // NOLINT(google-build-using-namespace): "name"_a
  namespace nb = nanobind;
  using attend::python::Array;

  m.attr("version") = ATTEND_VERSION;
  m.def("isas", [] {
    nb::list names;
    for (const attend::Isa isa : attend::isas()) names.append(std::string(attend::name(isa)));
    return names;
  });
  nb::class_<Array>(m, "Array", "An array of another library, borrowed without a copy.")
      .def(nb::init<const nb::object&, std::string, bool, const std::string&>(), "object"_a.none(), "name"_a,
           "writable"_a = false, "types"_a = "float32, bfloat16, float16 or float64")
      .def_prop_ro("shape", &Array::shape)
      .def_prop_ro("dtype", &Array::dtype);
  attend::python::bind_attention(m);
  attend::python::bind_varlen(m);
  attend::python::bind_kv_cache(m);
  attend::python::bind_decode(m);
  attend::python::bind_rope(m);
}
