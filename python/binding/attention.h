// The operations, on arrays that exist already.
#ifndef ATTEND_PYTHON_BINDING_ATTENTION_H_
#define ATTEND_PYTHON_BINDING_ATTENTION_H_

#include <nanobind/nanobind.h>

namespace attend::python {

/// attention, attention_backward and explain. They release the interpreter's lock while they compute.
void bind_attention(nanobind::module_& m);

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_ATTENTION_H_
