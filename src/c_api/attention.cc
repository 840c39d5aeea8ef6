// The operations of attend.h on whole tensors: each calls its counterpart of attention.h.
#include "attend/attention.h"

#include "attend/attend.h"
#include "c_api/error.h"
#include "c_api/operation.h"

using namespace attend::c_api;  // NOLINT(google-build-using-namespace): the C functions below
using attend::AttentionGradientTensors, attend::AttentionOptions, attend::AttentionTensors;

attend_code attend_attention(const attend_attention_tensors* tensors, const attend_attention_options* options,
                             const attend_resources* resources) {
  return guarded([&] {
    return call<AttentionTensors, AttentionOptions>(tensors, options, resources, attend::attention);
  });
}

attend_code attend_attention_backward(const attend_attention_gradient_tensors* tensors,
                                      const attend_attention_options* options,
                                      const attend_resources* resources) {
  return guarded([&] {
    return call<AttentionGradientTensors, AttentionOptions>(tensors, options, resources,
                                                            attend::attention_backward);
  });
}

attend_code attend_attention_scratch_bytes(const attend_attention_tensors* tensors,
                                           const attend_attention_options* options, int32_t workers,
                                           size_t* bytes) {
  return guarded([&] {
    return scratch_bytes<AttentionTensors, AttentionOptions>(tensors, options, workers, bytes,
                                                             attend::attention_scratch_bytes);
  });
}

attend_code attend_attention_backward_scratch_bytes(const attend_attention_gradient_tensors* tensors,
                                                    const attend_attention_options* options, int32_t workers,
                                                    size_t* bytes) {
  return guarded([&] {
    return scratch_bytes<AttentionGradientTensors, AttentionOptions>(
        tensors, options, workers, bytes, attend::attention_backward_scratch_bytes);
  });
}

attend_code attend_explain(const attend_attention_tensors* tensors, const attend_attention_options* options,
                           char* line, size_t capacity, size_t* length) {
  return guarded([&] {
    return explain<AttentionTensors, AttentionOptions>(tensors, options, {line, capacity, length},
                                                       attend::explain);
  });
}
