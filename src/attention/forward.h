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
};

/// The plan for valid operands. Depends on the shapes and the instruction set alone.
ForwardPlan plan_forward(const Sizes& sizes, DType dtype, Isa isa);

/// The plan in words.
std::string describe(const ForwardPlan& plan, const Sizes& sizes, DType dtype);

}  // namespace attend

#endif  // ATTEND_ATTENTION_FORWARD_H_
