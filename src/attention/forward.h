// Which forward kernel runs for which shape.
#ifndef ATTEND_ATTENTION_FORWARD_H_
#define ATTEND_ATTENTION_FORWARD_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "attention/kernels.h"

namespace attend {

struct ForwardPlan {
  Isa isa;
  ForwardKernel kernel;  // null: the reference loops
  int64_t items;         // work items
  size_t worker_bytes;   // scratch of a worker, a multiple of 64
  size_t shared_bytes;   // and what follows after that of all workers
};

/// The plan for valid operands. Depends on the shapes and the instruction set alone. `summaries`: the weights
/// will be summed up in a second pass, for which the ends of all rows are kept.
ForwardPlan plan_forward(const Sizes& sizes, const RowForm& form, Isa isa, bool summaries);

/// The plan in words.
std::string describe(const ForwardPlan& plan, const Sizes& sizes, const RowForm& form);

}  // namespace attend

#endif  // ATTEND_ATTENTION_FORWARD_H_
