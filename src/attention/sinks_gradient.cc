#include "attention/sinks_gradient.h"

#include <cmath>
#include <limits>
#include <numeric>

namespace attend {
namespace {

/// What one batch row and head adds, in float64: all queries add up, and their terms have either sign.
template <class T>
double head_sum(const BackwardProblem<T>& p, int64_t b, int64_t h) {
  const double sink = p.rule.head(b, h).sink;
  T gradient_spare[kWidestRow], output_spare[kWidestRow];  // of rows that are not used where they are
  double sum = 0;
  for (int64_t i = 0; i < p.sizes.Tq; ++i) {
    const T lse = *p.lse.row(b, h, i);
    if (lse == -std::numeric_limits<T>::infinity()) continue;  // a query that sees no key has no gradient
    const T* gradient = read_row(p.output_gradient, b, h, i, gradient_spare);
    const T* output = read_row(p.output, b, h, i, output_spare);
    const double mean = std::inner_product(gradient, gradient + p.sizes.Dv, output, 0.0);
    sum -= std::exp(sink - double{lse}) * mean;
  }
  return sum;
}

}  // namespace

template <class T>
void add_sink_gradient(const BackwardProblem<T>& p, int64_t b, int64_t sink, double& sum) {
  const int64_t sharing = p.sinks_gradient.shape[1] == p.sizes.Hq ? 1 : p.sizes.Hq;
  for (int64_t h = sink * sharing; h < (sink + 1) * sharing; ++h) sum += head_sum(p, b, h);
}

template void add_sink_gradient(const BackwardProblem<float>&, int64_t, int64_t, double&);
template void add_sink_gradient(const BackwardProblem<double>&, int64_t, int64_t, double&);

}  // namespace attend
