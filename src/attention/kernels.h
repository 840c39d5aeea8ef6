// The kernels of this build, as functions that can be picked for an instruction set.
#ifndef ATTEND_ATTENTION_KERNELS_H_
#define ATTEND_ATTENTION_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "attend/isa.h"
#include "attention/dtypes.h"
#include "attention/panel.h"
#include "attention/problem.h"
#include "base/range.h"

namespace attend {

/// What the rows of a problem's operands are in memory, which decides what is copied on the way to the
/// products.
struct RowForm {
  DType dtype = DType::kFloat32;
  bool turned = false;  // queries and keys are turned by their positions

  constexpr bool narrow() const { return has_sixteen_bits(dtype); }
  constexpr bool copies_keys() const { return turned || narrow(); }
  /// Queries of a block of the forward pass: more of them share what is copied for a block.
  constexpr int block_queries() const { return copies_keys() ? kLargestBlock : kBlockQueries; }
};

inline RowForm form_of(const TensorView& query, const AttentionOptions& options) {
  return {query.dtype, options.rope.present()};
}
template <class Problem>
RowForm form_of(const Problem& p) {
  return {p.value.dtype, p.key.rotation.present()};
}

/// Floats of scratch for `rows` rows of an operand; none when they are used where they are.
constexpr int64_t wide_scratch(int64_t rows, int64_t width, bool copied) {
  return copied ? rows * padded_width(width) : 0;
}

/// Computes one work item. `scratch` is aligned to 64 bytes and is this call's alone.
using ForwardKernel = void (*)(const ForwardProblem<float>& problem, int64_t item, float* scratch);

/// Queries in the lanes: for many queries. An item is a batch row, a head and a block of queries.
ForwardKernel forward_panels(Isa isa);
int64_t forward_panels_items(const Sizes& sizes, const RowForm& form);
size_t forward_panels_scratch(const Sizes& sizes, const RowForm& form, Isa isa);  // in floats

/// The same with two products of bfloat16 numbers an instruction, where there is one (null elsewhere): for an
/// even D and bfloat16 operands that are not turned. Weights are rounded to bfloat16 before the values.
ForwardKernel forward_pairs(Isa isa);
size_t forward_pairs_scratch(const Sizes& sizes, const RowForm& form, Isa isa);  // in floats

/// Features and keys in the lanes: for few queries. An item is a batch row and a head.
ForwardKernel forward_rows(Isa isa);
int64_t forward_rows_items(const Sizes& sizes);
size_t forward_rows_scratch(const Sizes& sizes, const RowForm& form);  // in floats

/// The weights' mean over heads and their sums over queries, for problems whose row_ends are filled. An item
/// of the mean is a batch row and a block of queries; of the sums a batch row, a head and a block of keys.
ForwardKernel head_mean_panels(Isa isa);
ForwardKernel column_sums_panels(Isa isa);
int64_t head_mean_items(const Sizes& sizes);
int64_t column_sums_items(const Sizes& sizes);
size_t weight_summaries_scratch(const Sizes& sizes, const RowForm& form);  // in floats
inline constexpr int kSummedKeys = 256;

/// A block of keys and a block of queries, and whether it is the first to write to either's gradients.
struct BackwardPair {
  int64_t b, kv_head, query_block, key_block;
  bool first_for_queries, first_for_keys;
};
// The block's K, V, dK and dV stay in the L2 cache while its queries pass, and the more of them do, the less
// often keys come from further away.
inline constexpr int kBackwardQueries = 384;
inline constexpr int kBackwardKeys = 256;

/// Adds, for all query heads that share the key/value head, the gradients that the pair's queries and keys
/// owe each other to the gradient tensors, which it clears first where the pair is the first. Pairs that
/// share neither queries nor keys may run at the same time.
using BackwardKernel = void (*)(const BackwardProblem<float>& problem, const BackwardPair& pair,
                                float* scratch);
BackwardKernel backward_panels(Isa isa);
size_t backward_panels_scratch(const Sizes& sizes, const RowForm& form);  // in floats

/// Scores whose gradients are summed into elements of the bias gradient that are no other item's.
struct BiasGradientItem {
  Range batch, heads, queries, keys;
};

/// Adds its scores' gradients to the item's elements of the bias gradient.
using BiasGradientKernel = void (*)(const BackwardProblem<float>& problem, const BiasGradientItem& item,
                                    float* scratch);
BiasGradientKernel bias_gradient_panels(Isa isa);
int64_t bias_gradient_items(const Sizes& sizes, const Shape& bias_shape);
BiasGradientItem bias_gradient_item(const Sizes& sizes, const Shape& bias_shape, int64_t item);
size_t bias_gradient_scratch(const Sizes& sizes, const RowForm& form);  // in floats

/// Floats of scratch for the part that both backward kernels share, a panel's score gradients.
constexpr int64_t head_gradients_scratch(const Sizes& n, const RowForm& form) {
  return kWidestPanel * (n.D + n.Dv + 2 + int64_t{3} * kTileKeys) +
         wide_scratch(kWidestPanel, n.Dv, form.narrow());
}

/// 32-bit lanes of a vector.
int lanes_of(Isa isa);

}  // namespace attend

#endif  // ATTEND_ATTENTION_KERNELS_H_
