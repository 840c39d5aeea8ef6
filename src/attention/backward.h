// The backward pass: which kernels run, in which order, on how much scratch.
#ifndef ATTEND_ATTENTION_BACKWARD_H_
#define ATTEND_ATTENTION_BACKWARD_H_

#include <cstddef>

#include "attention/backward_waves.h"
#include "attention/kernels.h"

namespace attend {

struct BackwardPlan {
  Isa isa;
  size_t worker_bytes;  // scratch of a worker, a multiple of 64
  size_t shared_bytes;  // and what follows after that of all workers: the sums of a wave
  BackwardWaves waves;
};

/// The plan for valid operands.
BackwardPlan plan_backward(const Sizes& sizes, const RowForm& form, Isa isa, bool with_bias_gradient);

/// All gradients of a problem. `scratch` holds what the plan says for the executor's workers.
template <class T>
void run_backward(BackwardProblem<T>& problem, const BackwardPlan& plan, Executor& executor,
                  std::byte* scratch);

/// Makes the bias gradient, to which kernels add, 0, if there is one.
template <class T>
void clear_bias_gradient(const BackwardProblem<T>& problem);

/// Makes the sums of a key/value head, and of its queries, the gradients of the rows as they were given:
/// turns them back and rounds them, block `block` of the rounds' queries and keys. For problems whose rows
/// are not all used in place.
template <class T>
void finish_block(const BackwardProblem<T>& problem, int64_t b, int64_t kv_head, int64_t block);

}  // namespace attend

#endif  // ATTEND_ATTENTION_BACKWARD_H_
