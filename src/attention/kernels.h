// The kernels of this build, as functions that can be picked for an instruction set.
#ifndef ATTEND_ATTENTION_KERNELS_H_
#define ATTEND_ATTENTION_KERNELS_H_

#include <cstddef>
#include <cstdint>

#include "attend/isa.h"
#include "attention/problem.h"

namespace attend {

/// Computes one work item. `scratch` is aligned to 64 bytes and is this call's alone.
using ForwardKernel = void (*)(const ForwardProblem<float>& problem, int64_t item, float* scratch);

/// Queries in the lanes: for many queries. An item is a batch row, a head and a block of kBlockQueries
/// queries.
ForwardKernel forward_panels(Isa isa);
int64_t forward_panels_items(const Sizes& sizes);
size_t forward_panels_scratch(const Sizes& sizes, Isa isa);  // in floats

/// Features and keys in the lanes: for few queries. An item is a batch row and a head.
ForwardKernel forward_rows(Isa isa);
int64_t forward_rows_items(const Sizes& sizes);
size_t forward_rows_scratch(const Sizes& sizes);  // in floats

/// A block of keys and a block of queries, and whether it is the first to write to either's gradients.
struct BackwardPair {
  int64_t b, kv_head, query_block, key_block;
  bool first_for_queries, first_for_keys;
};
inline constexpr int kBackwardQueries = 192;
inline constexpr int kBackwardKeys = 256;

/// Adds, for all query heads that share the key/value head, the gradients that the pair's queries and keys
/// owe each other to the gradient tensors, which it clears first where the pair is the first. Pairs that
/// share neither queries nor keys may run at the same time.
using BackwardKernel = void (*)(const BackwardProblem<float>& problem, const BackwardPair& pair,
                                float* scratch);
BackwardKernel backward_panels(Isa isa);
size_t backward_panels_scratch(const Sizes& sizes);  // in floats

/// 32-bit lanes of a vector.
int lanes_of(Isa isa);

}  // namespace attend

#endif  // ATTEND_ATTENTION_KERNELS_H_
