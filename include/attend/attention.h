// Softmax attention: queries look at keys, and take a weighted sum of values.
//
// For a query i, over the keys j that it may see (B batch, h query head, kv head h / (Hq / Hkv)):
//
//   s_ij  = scale * <q_i, k_j>                    the score of key j; scale defaults to 1 / sqrt(D)
//   p_ij  = exp(s_ij) / sum_j exp(s_ij)           the weight that query i gives key j
//   out_i = sum_j p_ij v_j                        the weighted sum
//   lse_i = log sum_j exp(s_ij)                   kept for backward and for merging, natural logarithm
//
// Options change the score, in this order: rotary positions, scale, softcap, bias and ALiBi, then what the
// query may see. In the softmax a sink may take a share; dropout comes last. docs/contract.md says each step.
//
// The scores are computed tile by tile and never stored, so memory grows with Tq + Tk and not with Tq * Tk
// (Milakov and Gimelshein 2018, "Online normalizer calculation for softmax"; Dao et al. 2022,
// "FlashAttention").
//
// What is promised:
//  * Masking is selection. A masked key is left out, never "added as minus infinity": a NaN or an Inf in a
//    masked key or value reaches neither the output nor a gradient.
//  * A query that sees no key gets output 0, lse -inf, weights 0 and no gradient. Never NaN.
//  * The same bits for any number of workers, any run, and whatever else is in the batch; the result depends
//    on the inputs, the options and the instruction set alone.
//  * On an error nothing has been written, and the message names the argument, the axis and both numbers.
#ifndef ATTEND_ATTENTION_H_
#define ATTEND_ATTENTION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "attend/executor.h"
#include "attend/isa.h"
#include "attend/rope.h"
#include "attend/status.h"
#include "attend/tensor.h"

namespace attend {

/// Whether queries see only what comes before them, and where the diagonal starts; named, because the
/// conventions in use disagree when Tq != Tk.
enum class Causal {
  kNone,
  kUpperLeft,    // query i sees key j when j <= i                  (PyTorch's is_causal)
  kLowerRight,   // query i sees key j when j <= i + Tk - Tq        (FlashAttention; decoding with a cache)
  kQueryOffset,  // query i sees key j when j <= i + query_offset   (chunked prefill, caches kept elsewhere)
};

/// How many keys a query sees to the left and right of where it stands, which is seen too; -1 is no bound.
struct AttentionWindow {
  int64_t left = -1, right = -1;
};

/// What is computed, apart from the data. The backward pass must be given what forward was.
struct AttentionOptions {
  /// Multiplies every score; absent means 1 / sqrt(D). Must be finite.
  std::optional<float> scale = {};

  Causal causal = Causal::kNone;

  /// Where query 0 stands on the key axis; query i stands i keys further. Causal order, windows and
  /// ALiBi are measured from there. One number, or one a batch row, in [-2^48, 2^48]; empty means 0 with
  /// kUpperLeft and Tk - Tq otherwise. Not together with kUpperLeft or kLowerRight, which are names of an
  /// offset.
  std::span<const int64_t> query_offset = {};

  /// Together with `causal`, the right side ends where the query stands.
  AttentionWindow window = {};

  /// How many keys of each batch row exist: empty, or B numbers in [0, Tk]. Keys at and past a length are not
  /// read. The diagonal is measured from Tk, not from these lengths.
  std::span<const int64_t> kv_lengths = {};

  /// Boolean, [B or 1, Hq or 1, Tq or 1, Tk or 1], any strides; true means that the query may see the key,
  /// as any byte but 0 does. Combined with `causal`, `window` and `kv_lengths` by "and".
  TensorView mask = {};

  /// Added to the scores: [B or 1, Hq or 1, Tq or 1, Tk or 1], any strides, float32 (float64 with float64).
  /// -inf masks the key, as `mask` would; no finite number does.
  TensorView bias = {};

  /// ALiBi: slope * |i + offset - j| is taken off every score, where i + offset is where query i stands.
  /// [B or 1, Hq or 1, 1, 1], float32 (float64 with float64), finite.
  TensorView alibi_slopes = {};

  /// Replaces scaled products s by softcap * tanh(s / softcap), before anything is added to them. 0: none.
  float softcap = 0;

  /// A sink takes a share of each query's attention and gives nothing: exp(sink) is added to the sum that
  /// weights are divided by, and counts in lse. [1, Hq or 1, 1, 1], float32 (float64 with float64); -inf is
  /// no sink.
  TensorView sinks = {};

  /// The share of the weights that is left out, in [0, 1); the others are divided by 1 - dropout. Which ones
  /// is a function of seed, batch row, head, query and key alone. lse and the returned weights are those
  /// before dropout.
  float dropout = 0;
  uint64_t seed = 0;

  /// Turns queries and keys by their positions before anything else (rope.h); absent: none. Gradients are
  /// those of the rows as they were given.
  Rope rope = {};

  /// Where queries and keys stand, for `rope` alone: B * Tq and B * Tk positions, row-major, or Tq and Tk
  /// that all batch rows share. Empty: query i where it stands on the key axis, from which causal order is
  /// measured, and key j at j. Positions of keys past a length are not looked at.
  std::span<const int64_t> query_positions = {}, key_positions = {};

  /// Pins the instruction set; absent means the fastest of isas(). One that the machine lacks is an error,
  /// and so is any but kScalar for float64, or where scale / softcap is below 2^-110 or above 2^64.
  std::optional<Isa> isa = {};
};

/// The operands of the forward pass. Query, key, value and output have one type: float32, bfloat16, float16,
/// or float64 (plain reference loops, for checking). The others, and the tensors among the options, are
/// float32, or float64 with float64: sums are never kept in 16 bits. Any strides with a contiguous last axis;
/// outputs must not overlap inputs.
struct AttentionTensors {
  TensorView query = {};               // [B, Hq, Tq, D]     1 <= D <= 1024
  TensorView key = {};                 // [B, Hkv, Tk, D]    Hq % Hkv == 0
  TensorView value = {};               // [B, Hkv, Tk, Dv]   1 <= Dv <= 1024
  MutableTensorView output = {};       // [B, Hq, Tq, Dv]
  MutableTensorView lse = {};          // [B, Hq, Tq, 1], optional
  MutableTensorView weights = {};      // [B, Hq, Tq, Tk], optional: p, exactly as used; 0 where masked
  MutableTensorView head_mean = {};    // [B, 1, Tq, Tk], optional: the weights' mean over heads
  MutableTensorView column_sums = {};  // [B, Hq, 1, Tk], optional: their sums over queries
};

/// The operands of the backward pass, in the types of the forward pass: what that saw and made, the gradient
/// of its output, and where to put the gradients of its inputs (overwritten, not accumulated). Gradients of
/// 16-bit operands are summed in float32 and rounded once; lse and the gradients of bias and sinks are
/// float32.
struct AttentionGradientTensors {
  TensorView query = {}, key = {}, value = {};  // as in forward
  TensorView output = {};                       // [B, Hq, Tq, Dv]  forward's
  TensorView lse = {};                          // [B, Hq, Tq, 1]   forward's
  TensorView output_gradient = {};              // [B, Hq, Tq, Dv]
  MutableTensorView query_gradient = {};        // [B, Hq, Tq, D]
  MutableTensorView key_gradient = {};          // [B, Hkv, Tk, D]
  MutableTensorView value_gradient = {};        // [B, Hkv, Tk, Dv]
  MutableTensorView bias_gradient = {};   // the bias's shape, optional: summed over the axes that are 1 in it
  MutableTensorView sinks_gradient = {};  // the sinks' shape, optional
};

/// What an operation may use. `scratch` empty means that the operation allocates what the *_scratch_bytes()
/// function says and frees it before returning; otherwise it must hold at least that many bytes, aligned
/// to 64.
struct AttentionResources {
  AttentionResources(Executor& e, std::span<std::byte> s = {}) : executor(e), scratch(s) {}  // NOLINT
  Executor& executor;
  std::span<std::byte> scratch;
};

/// out, and if asked lse and weights, of the contract above.
/// Errors: kInvalidArgument names the operand and axis; kUnsupported for a dtype or an instruction set that
/// this build or machine lacks; kOutOfMemory. Threads: reentrant; `resources` is used by one call at a time.
Status attention(const AttentionTensors& tensors, const AttentionOptions& options,
                 const AttentionResources& resources);

/// Bytes of scratch that attention() needs for these operands; O(Tq + Tk) a worker, and 8 B Hq Tq for
/// head_mean or column_sums. Errors: what attention() would return for them.
Result<size_t> attention_scratch_bytes(const AttentionTensors& tensors, const AttentionOptions& options,
                                       int workers);

/// Gradients of sum(output * output_gradient) with respect to query, key and value, and if asked bias and
/// sinks, recomputing the scores from lse tile by tile. Deterministic: no atomics, sums in a fixed order.
Status attention_backward(const AttentionGradientTensors& tensors, const AttentionOptions& options,
                          const AttentionResources& resources);

/// Bytes of scratch that attention_backward() needs: O(D) a worker, and for 16-bit operands the float32 sums
/// of the heads that are at work together, up to 32 MiB, or more where a key/value head and its queries need
/// more, or where few keys leave a head too little to do at once. Errors: what attention_backward() would
/// return.
Result<size_t> attention_backward_scratch_bytes(const AttentionGradientTensors& tensors,
                                                const AttentionOptions& options, int workers);

/// One line that says which kernel attention() would run for these operands, on which instruction set, with
/// which tiles, and why. Errors: what attention() would return.
Result<std::string> explain(const AttentionTensors& tensors, const AttentionOptions& options);

}  // namespace attend

#endif  // ATTEND_ATTENTION_H_
