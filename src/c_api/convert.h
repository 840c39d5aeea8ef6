// From the structs of attend.h to those of the C++ headers.
#ifndef ATTEND_C_API_CONVERT_H_
#define ATTEND_C_API_CONVERT_H_

#include <cstdint>

#include "attend/attend.h"
#include "attend/attention.h"
#include "attend/decode.h"
#include "attend/kv_cache.h"
#include "attend/status.h"
#include "attend/varlen.h"

namespace attend::c_api {

/// Null pointers, sizes, and numbers that name no dtype, alignment or instruction set are errors; everything
/// else is for the operation to check. `to` borrows what `from` points to.
Status convert(const attend_attention_tensors* from, AttentionTensors& to);
Status convert(const attend_attention_gradient_tensors* from, AttentionGradientTensors& to);
Status convert(const attend_attention_options* from, AttentionOptions& to);

Status convert(const attend_packed_attention_tensors* from, PackedAttentionTensors& to);
Status convert(const attend_packed_attention_gradient_tensors* from, PackedAttentionGradientTensors& to);

Status convert(const attend_decode_tensors* from, DecodeTensors& to);
Status convert(const attend_decode_options* from, DecodeOptions& to);
Status convert(const attend_merge_tensors* from, MergeTensors& to);
Status convert(const attend_mutable_kv_view* from, MutableKvView& to);
Status convert(const attend_kv_tokens* from, KvTokens& to);
Status convert(const attend_kv_cache_options* from, KvCacheOptions& to);

/// And back.
attend_kv_view to_c(const KvView& view);

}  // namespace attend::c_api

#endif  // ATTEND_C_API_CONVERT_H_
