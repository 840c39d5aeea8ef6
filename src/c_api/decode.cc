// The operations of attend.h over a cache: each calls its counterpart of decode.h.
#include "attend/decode.h"

#include "attend/attend.h"
#include "c_api/convert.h"
#include "c_api/error.h"
#include "c_api/executor.h"
#include "c_api/operation.h"

using namespace attend::c_api;  // NOLINT(google-build-using-namespace): the C functions below
using attend::DecodeOptions, attend::DecodeTensors, attend::Executor, attend::MergeTensors, attend::Status;

attend_code attend_attention_decode(const attend_decode_tensors* tensors,
                                    const attend_decode_options* options, const attend_resources* resources) {
  return guarded([&] {
    return call<DecodeTensors, DecodeOptions>(tensors, options, resources, attend::attention_decode);
  });
}

attend_code attend_attention_decode_scratch_bytes(const attend_decode_tensors* tensors,
                                                  const attend_decode_options* options, int32_t workers,
                                                  size_t* bytes) {
  return guarded([&] {
    return scratch_bytes<DecodeTensors, DecodeOptions>(tensors, options, workers, bytes,
                                                       attend::attention_decode_scratch_bytes);
  });
}

attend_code attend_explain_decode(const attend_decode_tensors* tensors, const attend_decode_options* options,
                                  char* line, size_t capacity, size_t* length) {
  return guarded([&] {
    return explain<DecodeTensors, DecodeOptions>(tensors, options, {line, capacity, length},
                                                 attend::explain_decode);
  });
}

attend_code attend_merge(const attend_merge_tensors* tensors, const attend_resources* resources) {
  return guarded([&]() -> Status {
    MergeTensors t;
    Resources r;
    ATTEND_RETURN_IF_ERROR(convert(tensors, t));
    ATTEND_RETURN_IF_ERROR(convert(resources, r));
    return with_executor(r.executor, [&](Executor& executor) { return attend::merge(t, executor); });
  });
}
