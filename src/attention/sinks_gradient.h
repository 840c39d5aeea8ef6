// The gradient of the sinks.
#ifndef ATTEND_ATTENTION_SINKS_GRADIENT_H_
#define ATTEND_ATTENTION_SINKS_GRADIENT_H_

#include "attention/problem.h"

namespace attend {

/// A sink is a key without a value: with p = exp(sink - lse) its weight and 0 its part of the output, its
/// score has the gradient p (0 - <do, o>), summed over batch rows, the heads that share it and queries, in
/// order. Overwrites the sinks' gradient.
template <class T>
void sinks_gradient(const BackwardProblem<T>& problem, Executor& executor);

/// What batch row b gives to the gradient of a sink, added to the sum so far.
template <class T>
void add_sink_gradient(const BackwardProblem<T>& problem, int64_t b, int64_t sink, double& sum);

}  // namespace attend

#endif  // ATTEND_ATTENTION_SINKS_GRADIENT_H_
