// The backward pass: which kernels run, in which order, on how much scratch.
#ifndef ATTEND_ATTENTION_BACKWARD_H_
#define ATTEND_ATTENTION_BACKWARD_H_

#include <cstddef>

#include "attention/kernels.h"

namespace attend {

/// Bytes of scratch of a worker, a multiple of 64.
size_t backward_worker_bytes(const Sizes& sizes, Isa isa, bool with_bias_gradient);

/// All gradients of a problem, by the reference loops.
template <class T>
void backward_by_reference(const BackwardProblem<T>& problem, Executor& executor);

/// All gradients of a problem on `isa`, which is not kScalar. `scratch` holds backward_worker_bytes() for
/// each worker.
void backward_by_kernels(const BackwardProblem<float>& problem, Isa isa, Executor& executor,
                         std::byte* scratch);

}  // namespace attend

#endif  // ATTEND_ATTENTION_BACKWARD_H_
