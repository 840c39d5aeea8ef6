// Python values as C++ ones, or a refusal that names the argument: TypeError for what is of a wrong type,
// ValueError for a number out of range.
#ifndef ATTEND_PYTHON_BINDING_CAST_H_
#define ATTEND_PYTHON_BINDING_CAST_H_

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <limits>
#include <string>
#include <vector>

#include "binding/refusal.h"

namespace attend::python {

/// The name of an object's type.
inline std::string type_name(const nanobind::object& object) {
  return nanobind::cast<std::string>(nanobind::str(object.type().attr("__name__")));
}

/// "isa is int, but must be a string"
template <class T>
T cast(const nanobind::object& value, const std::string& name, const char* need) {
  T result;
  if (!nanobind::try_cast(value, result)) {
    refuse_type(name + " is " + type_name(value) + ", but must be " + need);
  }
  return result;
}

/// "threads is 0, but must be in 1..1024"
template <class T>
T integer(const nanobind::object& value, const std::string& name, T least = std::numeric_limits<T>::min(),
          T most = std::numeric_limits<T>::max()) {
  const nanobind::object number = nanobind::steal(PyNumber_Index(value.ptr()));
  if (!number.is_valid()) {
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw nanobind::python_error();
    PyErr_Clear();
    refuse_type(name + " is " + type_name(value) + ", but must be an integer");
  }
  T result;
  if (!nanobind::try_cast(number, result) || result < least || result > most) {
    refuse_value(name + " is " + nanobind::cast<std::string>(nanobind::str(number)) + ", but must be in " +
                 std::to_string(least) + ".." + std::to_string(most));
  }
  return result;
}

/// Each as integer() takes it.
template <class T>
std::vector<T> integer_list(const nanobind::object& values, const std::string& name) {
  if (!PySequence_Check(values.ptr())) {
    refuse_type(name + " is " + type_name(values) + ", but must be a sequence of integers");
  }
  std::vector<T> numbers;
  for (const nanobind::handle value : values) {
    const std::string element = name + "[" + std::to_string(numbers.size()) + "]";
    numbers.push_back(integer<T>(nanobind::borrow(value), element));
  }
  return numbers;
}

/// A float or a double; a float is infinite where the number is beyond its range, as scale=1e300 is.
template <class T>
T number(const nanobind::object& value, const std::string& name) {
  T result;
  if (nanobind::try_cast(value, result)) return result;
  if (PyLong_Check(value.ptr())) refuse_value(name + " is an integer beyond the range of float64");
  refuse_type(name + " is " + type_name(value) + ", but must be a number");
}

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_CAST_H_
