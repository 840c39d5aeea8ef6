// Attention over packed sequences.
#ifndef ATTEND_PYTHON_BINDING_VARLEN_H_
#define ATTEND_PYTHON_BINDING_VARLEN_H_

#include <nanobind/nanobind.h>

namespace attend::python {

/// attention_varlen, attention_varlen_backward and explain_varlen.
void bind_varlen(nanobind::module_& m);

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_VARLEN_H_
