#include "nn/cross_entropy.h"

#include <algorithm>
#include <cassert>

#include "nn/chunks.h"
#include "nn/row_kernels.h"

namespace attend {

template <class T>
double cross_entropy(Matrix<T> logits, const Targets& targets, double smoothing, double scale, Pass& pass) {
  assert(targets.classes.size() == static_cast<size_t>(logits.rows));
  assert(targets.weights.empty() || targets.weights.size() == targets.classes.size());
  const Arena::Mark mark(pass.arena);
  const std::span<double> losses = pass.arena.array<double>(logits.rows);
  const double off = smoothing / static_cast<double>(logits.cols);
  for_each_chunk(pass.executor, logits.rows, rows_per_chunk(logits.cols), [&](int64_t first, int64_t count) {
    for (int64_t r = first; r < first + count; ++r) {
      const size_t i = static_cast<size_t>(r);
      const double weight = targets.weights.empty() ? 1.0 : static_cast<double>(targets.weights[i]);
      const std::span<T> row = logits.row(r);
      losses[i] = 0.0;
      if (weight == 0.0) {  // a row that does not count: whatever its logits are, NaN included
        std::fill(row.begin(), row.end(), T{0});
        continue;
      }
      assert(targets.classes[i] >= 0 && targets.classes[i] < logits.cols);
      const kernels::SoftTarget target{targets.classes[i], 1.0 - smoothing, off};
      losses[i] = weight * kernels::softmax_loss(row.data(), logits.cols, target, scale * weight);
    }
  });
  double sum = 0.0;
  for (const double loss : losses) sum += loss;
  return sum;
}

template double cross_entropy(Matrix<float>, const Targets&, double, double, Pass&);
template double cross_entropy(Matrix<double>, const Targets&, double, double, Pass&);

}  // namespace attend
