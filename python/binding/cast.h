// Python values as C++ ones, or a TypeError that names the argument.
#ifndef ATTEND_PYTHON_BINDING_CAST_H_
#define ATTEND_PYTHON_BINDING_CAST_H_

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <string>

#include "binding/refusal.h"

namespace attend::python {

/// The name of an object's type.
inline std::string type_name(const nanobind::object& object) {
  return nanobind::cast<std::string>(nanobind::str(object.type().attr("__name__")));
}

/// "threads is str, but must be an integer"
template <class T>
T cast(const nanobind::object& value, const std::string& name, const char* need) {
  T result;
  if (!nanobind::try_cast(value, result)) {
    refuse_type(name + " is " + type_name(value) + ", but must be " + need);
  }
  return result;
}

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_CAST_H_
