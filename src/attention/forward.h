// Which forward kernel runs for which shape.
#ifndef ATTEND_ATTENTION_FORWARD_H_
#define ATTEND_ATTENTION_FORWARD_H_

#include <cstddef>
#include <cstdint>

#include "attention/kernels.h"

namespace attend {

/// How the forward pass is computed.
enum class ForwardForm {
  kReference,  // plain loops
  kRows,       // features and keys in the lanes
  kPanels,     // queries in the lanes
  kPairs,      // the same, with two products of bfloat16 numbers an instruction
};
inline constexpr int kForwardForms = 4;

struct ForwardPlan {
  Isa isa;
  ForwardForm form;
  ForwardKernel kernel;  // null for kReference
  int64_t items;         // work items
  size_t worker_bytes;   // scratch of a worker, a multiple of 64
  size_t shared_bytes;   // and what follows after that of all workers
};

/// The plan for valid operands. Depends on the shapes and the instruction set alone. `summaries`: the weights
/// will be summed up in a second pass, for which the ends of all rows are kept.
ForwardPlan plan_forward(const Sizes& sizes, const RowForm& form, Isa isa, bool summaries);

/// Up to how many queries the row kernel is the faster one. It reads keys and values once for every four
/// queries and wastes nothing; a panel reads them once and costs the same for one query as for a vector full.
/// Measured for 81 keys and 32 and 64 features: they meet at half a vector, and with 16 lanes, where the row
/// kernel's sums over lanes are longest, at six.
int few_queries(Isa isa);

}  // namespace attend

#endif  // ATTEND_ATTENTION_FORWARD_H_
