// From the structs of attend.h to those of attention.h.
#ifndef ATTEND_C_API_CONVERT_H_
#define ATTEND_C_API_CONVERT_H_

#include "attend/attend.h"
#include "attend/attention.h"
#include "attend/status.h"

namespace attend::c_api {

/// Null pointers, sizes, and numbers that name no dtype, alignment or instruction set are errors; everything
/// else is for the operation to check. `to` borrows what `from` points to.
Status convert(const attend_attention_tensors* from, AttentionTensors& to);
Status convert(const attend_attention_gradient_tensors* from, AttentionGradientTensors& to);
Status convert(const attend_attention_options* from, AttentionOptions& to);

}  // namespace attend::c_api

#endif  // ATTEND_C_API_CONVERT_H_
