// The backward pass: which kernels run, in which order, on how much scratch.
#ifndef ATTEND_ATTENTION_BACKWARD_H_
#define ATTEND_ATTENTION_BACKWARD_H_

#include <cstddef>

#include "attention/kernels.h"

namespace attend {

struct BackwardPlan {
  Isa isa;
  size_t worker_bytes;  // scratch of a worker, a multiple of 64
  size_t shared_bytes;  // and what follows after that of all workers: the sums of 16-bit gradients
};

/// The plan for valid operands.
BackwardPlan plan_backward(const Sizes& sizes, const RowForm& form, Isa isa, bool with_bias_gradient);

/// All gradients of a problem. `scratch` holds what the plan says for the executor's workers.
template <class T>
void run_backward(BackwardProblem<T>& problem, const BackwardPlan& plan, Executor& executor,
                  std::byte* scratch);

/// The parts of run_backward() that other orders of work are made of. Sums of 16-bit gradients are placed in
/// `shared`, which holds the plan's shared bytes, before anything is added to them; they become the gradients
/// of the rows as they were given when all is.
template <class T>
void place_sums(BackwardProblem<T>& problem, std::byte* shared);
template <class T>
void finish_queries(const BackwardProblem<T>& problem, int64_t b, int64_t h);
template <class T>
void finish_keys(const BackwardProblem<T>& problem, int64_t b, int64_t kv_head);

}  // namespace attend

#endif  // ATTEND_ATTENTION_BACKWARD_H_
