// Attention of a few new queries over a cache of keys and values: the step that writes text.
//
// What is computed is the contract of attention.h, row by row, with the cache in place of K and V. Sequences
// have lengths of their own. The new tokens are appended first, so that the n queries of a sequence of length
// L stand at its last n positions, L - n .. L - 1. For query i at position t = L - n + i, over the keys
// j <= t of its sequence (and j >= t - window.left, if there is a window):
//
//   s_j   = scale * <q_i, k_j>                    scale defaults to 1 / sqrt(D)
//   s_j   = softcap * tanh(s_j / softcap)         if there is a softcap
//   s_j  -= alibi_slope_h * |t - j|               if there are slopes
//   out_i = sum_j exp(s_j) v_j / (sum_j exp(s_j) + exp(sink_h))
//   lse_i = log(sum_j exp(s_j) + exp(sink_h))     the sink only if there is one; natural logarithm
//
// One query is plain decoding; a few are speculative decoding; many are a chunk of a prompt. All are correct.
//
// The work is to read the cache once, at the speed of memory: all query heads of a key/value head, and all
// new queries, share a single pass over its keys and values (up to 32 rows a pass). 16-bit and int8 numbers
// are widened in registers; sums are float32. The keys are cut into splits of kDecodeSplit, whose partial
// results (weighted sum, maximum, sum) are merged in order (Dao et al. 2023, "Flash-Decoding"). Splits are a
// matter of positions, never of workers, so that the bits of a query depend on its own sequence, the options
// and the instruction set alone: not on the number of workers, not on what else is in the batch, and not on
// how many queries were asked at once.
//
// Cache slots past a length are never read, and a masked key or value reaches no output, whatever it holds. A
// query that sees no key gets output 0 and lse -inf. On an error nothing has been written.
#ifndef ATTEND_DECODE_H_
#define ATTEND_DECODE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "attend/attention.h"
#include "attend/kv_cache.h"
#include "attend/rope.h"

namespace attend {

/// Keys in a split.
inline constexpr int64_t kDecodeSplit = 512;

struct DecodeTensors {
  TensorView query = {};          // [B, Hq, Tq, D]    float32, bfloat16 or float16; Hq % Hkv == 0
  KvView cache = {};              // of Hkv heads, D and Dv; holds the new tokens already
  MutableTensorView output = {};  // [B, Hq, Tq, Dv]   of the query's type
  MutableTensorView lse = {};     // [B, Hq, Tq, 1]    float32, optional
};

/// The options of attention.h that make sense over a cache, by the same names. Its lengths take the place of
/// query_offset and kv_lengths; there is no mask, bias or dropout.
struct DecodeOptions {
  /// Multiplies every score; absent means 1 / sqrt(D). Must be finite.
  std::optional<float> scale = {};

  /// kLowerRight as above. kUpperLeft puts query i at position i. kNone lets every query see the whole
  /// sequence (cross-attention), at positions as kLowerRight.
  Causal causal = Causal::kLowerRight;

  /// Measured from a query's own position. With a causal order the right side ends there.
  AttentionWindow window = {};

  /// How many of the Tq queries each batch row has: empty (all), or B numbers in [0, Tq]. The rest is
  /// padding: not read, output 0, lse -inf.
  std::span<const int64_t> query_counts = {};

  TensorView alibi_slopes = {};  // [B or 1, Hq or 1, 1, 1], float32, finite
  float softcap = 0;             // 0 is none
  TensorView sinks = {};         // [1, Hq or 1, 1, 1], float32; -inf is no sink

  /// Turns the queries by their positions (rope.h); absent: none. The keys of the cache are not turned here:
  /// they were when they were appended, with the rope that KvTokens takes.
  Rope rope = {};

  /// Where queries stand, for `rope` alone: B * Tq positions, row-major, or Tq that all batch rows share.
  /// Empty: where they stand on the key axis. Those of padding are not looked at.
  std::span<const int64_t> query_positions = {};

  /// Pins the instruction set; absent means the fastest of isas().
  std::optional<Isa> isa = {};
};

/// out, and if asked lse, of the contract above. Errors: kInvalidArgument names the operand and axis,
/// kUnsupported a type or an instruction set, kOutOfMemory. Threads: reentrant; `resources` is used by one
/// call at a time.
Status attention_decode(const DecodeTensors& tensors, const DecodeOptions& options,
                        const AttentionResources& resources);

/// Bytes of scratch that attention_decode() needs for these operands: a pass of 32 rows for each worker, and
/// the partial results of all splits while these stay below 64 MiB (beyond that splits of a row are taken in
/// order by one worker, with the same bits). Depends on the lengths. Errors: what attention_decode() would
/// return.
Result<size_t> attention_decode_scratch_bytes(const DecodeTensors& tensors, const DecodeOptions& options,
                                              int workers);

/// One line that says which kernel attention_decode() would run, on which instruction set, with which splits
/// and passes, and why. Errors: what attention_decode() would return.
Result<std::string> explain_decode(const DecodeTensors& tensors, const DecodeOptions& options);

/// What attention computed over one set of keys.
struct AttentionPart {
  TensorView output = {};  // [B, H, T, Dv]   float32, float64, bfloat16 or float16
  TensorView lse = {};     // [B, H, T, 1]    float32; float64 beside float64
};

struct MergeTensors {
  AttentionPart first = {}, second = {};  // over disjoint sets of keys
  MutableTensorView output = {};  // [B, H, T, Dv]   of the parts' type; may be the output of a part, in place
  MutableTensorView lse = {};     // [B, H, T, 1]    optional; may be the lse of a part
};

/// The attention over both sets of keys together: with lse = log(exp(lse_1) + exp(lse_2)),
/// out = exp(lse_1 - lse) out_1 + exp(lse_2 - lse) out_2. A part that saw no key (lse -inf) is left out and
/// its output not looked at; the other comes through bit by bit.
///
/// A sink belongs to one of the parts only, whose lse it is counted in, and merges with that part. But a
/// query that sees no key of a part has lse -inf there, with or without a sink: in that row the part, and its
/// sink with it, are left out, as if there had been none. So give the sink to a part of which every query
/// sees a key, or to neither: then, after merging, lse becomes log(exp(lse) + exp(sink)) and the output is
/// multiplied by 1 / (1 + exp(sink - lse)), with the lse from before.
Status merge(const MergeTensors& tensors, Executor& executor);

}  // namespace attend

#endif  // ATTEND_DECODE_H_
