// The gradient of the sinks.
#ifndef ATTEND_ATTENTION_SINKS_GRADIENT_H_
#define ATTEND_ATTENTION_SINKS_GRADIENT_H_

#include "attention/problem.h"

namespace attend {

/// A sink is a key without a value: with p = exp(sink - lse) its weight and 0 its part of the output, its
/// score has the gradient p (0 - <do, o>), summed over batch rows, queries and the heads that share it, in
/// order. Overwrites the sinks' gradient.
template <class T>
void sinks_gradient(const BackwardProblem<T>& problem, Executor& executor);

}  // namespace attend

#endif  // ATTEND_ATTENTION_SINKS_GRADIENT_H_
