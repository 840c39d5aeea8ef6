// The operations of attend.h on packed sequences: each calls its counterpart of varlen.h.
#include "attend/varlen.h"

#include "attend/attend.h"
#include "c_api/convert.h"
#include "c_api/error.h"
#include "c_api/operation.h"

using namespace attend::c_api;  // NOLINT(google-build-using-namespace): the C functions below
using attend::AttentionOptions, attend::PackedAttentionGradientTensors, attend::PackedAttentionTensors;

attend_code attend_attention_varlen(const attend_packed_attention_tensors* tensors,
                                    const attend_attention_options* options,
                                    const attend_resources* resources) {
  return guarded([&] {
    return call<PackedAttentionTensors, AttentionOptions>(tensors, options, resources,
                                                          attend::attention_varlen);
  });
}

attend_code attend_attention_varlen_backward(const attend_packed_attention_gradient_tensors* tensors,
                                             const attend_attention_options* options,
                                             const attend_resources* resources) {
  return guarded([&] {
    return call<PackedAttentionGradientTensors, AttentionOptions>(tensors, options, resources,
                                                                  attend::attention_varlen_backward);
  });
}

attend_code attend_attention_varlen_scratch_bytes(const attend_packed_attention_tensors* tensors,
                                                  const attend_attention_options* options, int32_t workers,
                                                  size_t* bytes) {
  return guarded([&] {
    return scratch_bytes<PackedAttentionTensors, AttentionOptions>(tensors, options, workers, bytes,
                                                                   attend::attention_varlen_scratch_bytes);
  });
}

attend_code attend_attention_varlen_backward_scratch_bytes(
    const attend_packed_attention_gradient_tensors* tensors, const attend_attention_options* options,
    int32_t workers, size_t* bytes) {
  return guarded([&] {
    return scratch_bytes<PackedAttentionGradientTensors, AttentionOptions>(
        tensors, options, workers, bytes, attend::attention_varlen_backward_scratch_bytes);
  });
}

attend_code attend_explain_varlen(const attend_packed_attention_tensors* tensors,
                                  const attend_attention_options* options, char* line, size_t capacity,
                                  size_t* length) {
  return guarded([&] {
    return explain<PackedAttentionTensors, AttentionOptions>(tensors, options, {line, capacity, length},
                                                             attend::explain_varlen);
  });
}
