// What the operations of attend.h have in common: structs are taken apart, and a counterpart in C++ is
// called.
#ifndef ATTEND_C_API_OPERATION_H_
#define ATTEND_C_API_OPERATION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "attend/attend.h"
#include "attend/attention.h"
#include "attend/status.h"
#include "c_api/convert.h"
#include "c_api/error.h"
#include "c_api/executor.h"

namespace attend::c_api {

/// Of the caller's `resources`, NULL included: the executor's handle, and the scratch.
struct Resources {
  attend_executor* executor = nullptr;
  std::span<std::byte> scratch = {};
};
Status convert(const attend_resources* from, Resources& to);

Status check_workers(int32_t workers);

/// Where attend_explain() and its like write.
struct Line {
  char* text;
  size_t capacity;
  size_t* length;
};
Status write(const std::string& text, const Line& line);

/// Calls operation(tensors, options, resources).
template <class Tensors, class Options, class CTensors, class COptions, class Operation>
Status call(const CTensors* tensors, const COptions* options, const attend_resources* resources,
            Operation operation) {
  Tensors t;
  Options o;
  Resources r;
  ATTEND_RETURN_IF_ERROR(convert(tensors, t));
  ATTEND_RETURN_IF_ERROR(convert(options, o));
  ATTEND_RETURN_IF_ERROR(convert(resources, r));
  return with_executor(r.executor, [&](Executor& executor) {
    return operation(t, o, AttentionResources(executor, r.scratch));
  });
}

/// body(tensors, options) of what the structs say.
template <class Tensors, class Options, class CTensors, class COptions, class Body>
Status inspect(const CTensors* tensors, const COptions* options, Body&& body) {
  Tensors t;
  Options o;
  ATTEND_RETURN_IF_ERROR(convert(tensors, t));
  ATTEND_RETURN_IF_ERROR(convert(options, o));
  return body(t, o);
}

/// *bytes = count(tensors, options, workers).
template <class Tensors, class Options, class CTensors, class COptions, class Count>
Status scratch_bytes(const CTensors* tensors, const COptions* options, int32_t workers, size_t* bytes,
                     Count count) {
  if (bytes == nullptr) return invalid("bytes is a null pointer");
  ATTEND_RETURN_IF_ERROR(check_workers(workers));
  return inspect<Tensors, Options>(tensors, options, [&](const Tensors& t, const Options& o) {
    const Result<size_t> counted = count(t, o, workers);
    if (counted.ok()) *bytes = counted.value();
    return counted.status();
  });
}

/// Writes describe(tensors, options).
template <class Tensors, class Options, class CTensors, class COptions, class Describe>
Status explain(const CTensors* tensors, const COptions* options, const Line& line, Describe describe) {
  return inspect<Tensors, Options>(tensors, options, [&](const Tensors& t, const Options& o) {
    const Result<std::string> text = describe(t, o);
    return text.ok() ? write(text.value(), line) : text.status();
  });
}

}  // namespace attend::c_api

#endif  // ATTEND_C_API_OPERATION_H_
