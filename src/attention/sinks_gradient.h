// The gradient of the sinks.
#ifndef ATTEND_ATTENTION_SINKS_GRADIENT_H_
#define ATTEND_ATTENTION_SINKS_GRADIENT_H_

#include "attention/problem.h"

namespace attend {

/// What batch row b gives to the gradient of a sink, added to the sum so far. A sink is a key without a
/// value: with p = exp(sink - lse) its weight and 0 its part of the output, its score has the gradient p (0 -
/// <do, o>), summed over the heads that share it and queries, in order.
template <class T>
void add_sink_gradient(const BackwardProblem<T>& problem, int64_t b, int64_t sink, double& sum);

/// Makes the sinks' gradient, if there is one, what `rows` batch rows add up to, in order. Row b is that of
/// problem_of(b).
template <class T, class ProblemOf>
void sum_sinks_gradient(const BackwardProblem<T>& whole, int64_t rows, Executor& executor,
                        const ProblemOf& problem_of) {
  if (!whole.sinks_gradient.present()) return;
  executor.for_each(whole.sinks_gradient.shape[1], [&](int64_t sink, int) {
    double sum = 0;
    for (int64_t b = 0; b < rows; ++b) add_sink_gradient(problem_of(b), b, sink, sum);
    *whole.sinks_gradient.head(0, sink) = static_cast<T>(sum);
  });
}

}  // namespace attend

#endif  // ATTEND_ATTENTION_SINKS_GRADIENT_H_
