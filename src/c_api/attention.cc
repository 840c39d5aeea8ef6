// The operations of attend.h: each takes the C structs apart and calls its counterpart of attention.h.
#include "attend/attention.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>

#include "attend/attend.h"
#include "attention/validate.h"
#include "c_api/convert.h"
#include "c_api/error.h"
#include "c_api/executor.h"
#include "c_api/sized_struct.h"

namespace attend::c_api {
namespace {

/// Takes the structs apart, and calls `operation` on the executor that `resources` names.
template <class Tensors, class CTensors, class Operation>
Status call(const CTensors* tensors, const attend_attention_options* options,
            const attend_resources* resources, Operation operation) {
  Tensors t;
  AttentionOptions o;
  attend_resources r = {};
  ATTEND_RETURN_IF_ERROR(convert(tensors, t));
  ATTEND_RETURN_IF_ERROR(convert(options, o));
  if (resources != nullptr) ATTEND_RETURN_IF_ERROR(read_struct(resources, "resources", r));
  if (r.scratch == nullptr && r.scratch_bytes != 0) {
    return invalid("scratch is a null pointer, but scratch_bytes is " + std::to_string(r.scratch_bytes));
  }
  if (r.scratch != nullptr && r.scratch_bytes == 0) return invalid("scratch is set, but scratch_bytes is 0");
  const std::span<std::byte> scratch(static_cast<std::byte*>(r.scratch), r.scratch_bytes);
  return with_executor(
      r.executor, [&](Executor& executor) { return operation(t, o, AttentionResources(executor, scratch)); });
}

/// Takes the structs apart, checks what they say, and hands them to body(tensors, options).
template <class Tensors, class CTensors, class Body>
Status inspect(const CTensors* tensors, const attend_attention_options* options, Body&& body) {
  Tensors t;
  AttentionOptions o;
  ATTEND_RETURN_IF_ERROR(convert(tensors, t));
  ATTEND_RETURN_IF_ERROR(convert(options, o));
  ATTEND_RETURN_IF_ERROR(validate(t, o));
  return body(t, o);
}

Status check_workers(int32_t workers) {
  if (workers >= 1 && workers <= kMostWorkers) return {};
  return invalid("workers is " + std::to_string(workers) + ", but must be in 1.." +
                 std::to_string(kMostWorkers));
}

Status write_line(const std::string& text, char* line, size_t capacity, size_t* length) {
  if (line == nullptr && capacity != 0) {
    return invalid("line is a null pointer, but capacity is " + std::to_string(capacity));
  }
  if (length != nullptr) *length = text.size();
  if (capacity == 0) return {};
  const size_t written = std::min(text.size(), capacity - 1);
  std::memcpy(line, text.data(), written);
  line[written] = '\0';
  return {};
}

}  // namespace
}  // namespace attend::c_api

using namespace attend::c_api;  // NOLINT(google-build-using-namespace): the C functions below
using attend::AttentionGradientTensors, attend::AttentionOptions, attend::AttentionTensors, attend::Status;

attend_code attend_attention(const attend_attention_tensors* tensors, const attend_attention_options* options,
                             const attend_resources* resources) {
  return guarded([&] { return call<AttentionTensors>(tensors, options, resources, attend::attention); });
}

attend_code attend_attention_backward(const attend_attention_gradient_tensors* tensors,
                                      const attend_attention_options* options,
                                      const attend_resources* resources) {
  return guarded([&] {
    return call<AttentionGradientTensors>(tensors, options, resources, attend::attention_backward);
  });
}

attend_code attend_attention_scratch_bytes(const attend_attention_tensors* tensors,
                                           const attend_attention_options* options, int32_t workers,
                                           size_t* bytes) {
  return guarded([&]() -> Status {
    if (bytes == nullptr) return invalid("bytes is a null pointer");
    ATTEND_RETURN_IF_ERROR(check_workers(workers));
    return inspect<AttentionTensors>(tensors, options, [&](const auto& t, const AttentionOptions& o) {
      *bytes = attend::attention_scratch_bytes(t, o, workers);
      return Status();
    });
  });
}

attend_code attend_attention_backward_scratch_bytes(const attend_attention_gradient_tensors* tensors,
                                                    const attend_attention_options* options, int32_t workers,
                                                    size_t* bytes) {
  return guarded([&]() -> Status {
    if (bytes == nullptr) return invalid("bytes is a null pointer");
    ATTEND_RETURN_IF_ERROR(check_workers(workers));
    return inspect<AttentionGradientTensors>(tensors, options, [&](const auto& t, const AttentionOptions& o) {
      *bytes = attend::attention_backward_scratch_bytes(t, o, workers);
      return Status();
    });
  });
}

attend_code attend_explain(const attend_attention_tensors* tensors, const attend_attention_options* options,
                           char* line, size_t capacity, size_t* length) {
  return guarded([&]() -> Status {
    return inspect<AttentionTensors>(tensors, options, [&](const auto& t, const AttentionOptions& o) {
      return write_line(attend::explain(t, o), line, capacity, length);
    });
  });
}
