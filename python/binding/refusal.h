// A Status as the Python exception that it is.
#ifndef ATTEND_PYTHON_BINDING_REFUSAL_H_
#define ATTEND_PYTHON_BINDING_REFUSAL_H_

#include <nanobind/nanobind.h>

#include <string>
#include <utility>

#include "attend/status.h"

namespace attend::python {

/// ValueError: the arguments contradict each other or the contract. TypeError: they are not what the
/// operation is made for.
[[noreturn]] void refuse_value(const std::string& sentence);
[[noreturn]] void refuse_type(const std::string& sentence);

/// Raises unless ok: MemoryError for kOutOfMemory, TypeError for kUnsupported (a dtype or an instruction set
/// that there is no kernel for), ValueError for the rest.
void raise_if_error(const Status& status);

/// The value, or the exception that the Status is.
template <class T>
T value_or_raise(Result<T> result) {
  raise_if_error(result.status());
  return std::move(result).value();
}

/// raise_if_error(operation()), where other Python threads run during the operation.
template <class Operation>
void raise_unless_ok(Operation&& operation) {
  Status status;
  {
    const nanobind::gil_scoped_release others_may_run;
    status = operation();
  }
  raise_if_error(status);
}

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_REFUSAL_H_
