#include "binding/refusal.h"

#include <nanobind/nanobind.h>

namespace attend::python {

void refuse_value(const std::string& sentence) {
  throw nanobind::value_error(sentence.c_str());
}

void refuse_type(const std::string& sentence) {
  throw nanobind::type_error(sentence.c_str());
}

void raise_if_error(const Status& status) {
  switch (status.code()) {
    case StatusCode::kOk:
      return;
    case StatusCode::kUnsupported:
      refuse_type(status.message());
    case StatusCode::kOutOfMemory:
      PyErr_SetString(PyExc_MemoryError, status.message().c_str());
      throw nanobind::python_error();
    default:
      refuse_value(status.message());
  }
}

}  // namespace attend::python
