// Attention over sequences of different lengths that lie one after the other, without padding.
//
// A batch of texts or photos has as many lengths as members. Packed, the tokens of all sequences follow each
// other on one axis, and two lists of offsets say where each sequence begins: the queries of sequence s are
// rows query_starts[s] .. query_starts[s + 1] - 1, its keys and values rows key_starts[s] ..
// key_starts[s + 1] - 1. No query sees a key of another sequence.
//
//   query_starts = {0, 3, 3, 8}     three sequences, of 3, 0 and 5 queries
//   key_starts   = {0, 4, 6, 6}     and of 4, 2 and 0 keys
//
// What is computed for a sequence is what attention() of attention.h computes for it alone, to the bit,
// whatever else is in the batch: the kernel is chosen by the sequence's own lengths, Tq and Tk, and these are
// what causal orders are measured with. Where an option has one number or one slice for each batch row, it
// has one for each sequence here, and dropout counts sequences as batch rows. So the numbers are also those
// of the padded batch.
//
// The weights themselves, their mean over heads and their sums over queries are not to be had from a packed
// call: of sequences of different lengths they are no one tensor. Ask attention() for them, sequence by
// sequence.
//
// The work of all sequences is one list, so that many short ones keep all workers busy beside a long one.
// Operands are read and written where they lie: nothing is copied, padded or repacked.
#ifndef ATTEND_VARLEN_H_
#define ATTEND_VARLEN_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "attend/attention.h"

namespace attend {

/// The operands of the forward pass, of the types and strides that attention() takes. total_q and total_k are
/// the last of the offsets. Outputs must not overlap inputs.
struct PackedAttentionTensors {
  TensorView query = {};  // [1, Hq, total_q, D]     1 <= D <= 1024
  TensorView key = {};    // [1, Hkv, total_k, D]    Hq % Hkv == 0
  TensorView value = {};  // [1, Hkv, total_k, Dv]   1 <= Dv <= 1024

  /// One number more than there are sequences: from 0 to total_q and from 0 to total_k, never decreasing. A
  /// sequence may have no queries, no keys, or neither.
  std::span<const int64_t> query_starts = {}, key_starts = {};

  MutableTensorView output = {};  // [1, Hq, total_q, Dv]
  MutableTensorView lse = {};     // [1, Hq, total_q, 1], optional
};

/// The operands of the backward pass, in the types of the forward pass, as those of attention_backward().
struct PackedAttentionGradientTensors {
  TensorView query = {}, key = {}, value = {};                  // as in forward
  std::span<const int64_t> query_starts = {}, key_starts = {};  // as in forward
  TensorView output = {};                                       // [1, Hq, total_q, Dv]  forward's
  TensorView lse = {};                                          // [1, Hq, total_q, 1]   forward's
  TensorView output_gradient = {};                              // [1, Hq, total_q, Dv]
  MutableTensorView query_gradient = {};                        // [1, Hq, total_q, D]
  MutableTensorView key_gradient = {};                          // [1, Hkv, total_k, D]
  MutableTensorView value_gradient = {};                        // [1, Hkv, total_k, Dv]
  MutableTensorView sinks_gradient = {};  // the sinks' shape, optional: summed over the sequences in order
  MutableTensorView bias_gradient = {};  // the bias's shape, optional: summed over the axes that are 1 in it,
                                         // 0 past the rows and columns of a sequence
};

/// out, and if asked lse, of every sequence. Of the options, query_offset has one number or one a sequence;
/// kv_lengths has one a sequence, each at most its Tk; mask and bias are [sequences or 1, Hq or 1, longest Tq
/// or 1, longest Tk or 1], of which a sequence has the first Tq rows and Tk columns; alibi_slopes are
/// [sequences or 1, Hq or 1, 1, 1]; query_positions are total_q and key_positions total_k, and where they are
/// empty each sequence stands on a key axis of its own. Errors and threads as attention(): nothing is written
/// on an error.
Status attention_varlen(const PackedAttentionTensors& tensors, const AttentionOptions& options,
                        const AttentionResources& resources);

/// Bytes of scratch that attention_varlen() needs: that of the most demanding sequence for each worker, and
/// 16 bytes a sequence. Errors: what attention_varlen() would return.
Result<size_t> attention_varlen_scratch_bytes(const PackedAttentionTensors& tensors,
                                              const AttentionOptions& options, int workers);

/// Gradients of sum(output * output_gradient) with respect to query, key and value of every sequence, and if
/// asked bias and sinks. Options as forward's.
Status attention_varlen_backward(const PackedAttentionGradientTensors& tensors,
                                 const AttentionOptions& options, const AttentionResources& resources);

/// Bytes of scratch that attention_varlen_backward() needs: beside what workers and the list of sequences
/// take, for 16-bit operands the float32 sums of some heads of all sequences, bounded as those of
/// attention_backward(). Errors: what attention_varlen_backward() would return.
Result<size_t> attention_varlen_backward_scratch_bytes(const PackedAttentionGradientTensors& tensors,
                                                       const AttentionOptions& options, int workers);

/// One line that says which kernels attention_varlen() would run for how many of the sequences, on which
/// instruction set, with which tiles, and why. Errors: what attention_varlen() would return.
Result<std::string> explain_varlen(const PackedAttentionTensors& tensors, const AttentionOptions& options);

}  // namespace attend

#endif  // ATTEND_VARLEN_H_
