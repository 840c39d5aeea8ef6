// Attention over caches.
#ifndef ATTEND_PYTHON_BINDING_DECODE_H_
#define ATTEND_PYTHON_BINDING_DECODE_H_

#include <nanobind/nanobind.h>

namespace attend::python {

/// attention_decode, explain_decode and merge.
void bind_decode(nanobind::module_& m);

}  // namespace attend::python

#endif  // ATTEND_PYTHON_BINDING_DECODE_H_
