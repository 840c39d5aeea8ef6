// attend::attention() and attention_backward() as the layers call them.
//
// A layer gives no Status: whoever makes one has looked at its widths, check_block() at those of a
// Transformer. Where the engine refuses a call all the same, all that it was to write is NaN, which neither a
// loss nor a search takes for an answer.
#ifndef ATTEND_NN_CALL_ATTENTION_H_
#define ATTEND_NN_CALL_ATTENTION_H_

#include "attend/attention.h"
#include "nn/pass.h"

namespace attend {

void call_attention(const AttentionTensors& tensors, const AttentionOptions& options,
                    const AttentionResources& resources);

/// The same on all workers of the pass, with scratch of its arena.
void call_attention(const AttentionTensors& tensors, const AttentionOptions& options, Pass& pass);

void call_attention_backward(const AttentionGradientTensors& tensors, const AttentionOptions& options,
                             const AttentionResources& resources);

}  // namespace attend

#endif  // ATTEND_NN_CALL_ATTENTION_H_
