#include "attention/backward.h"

#include <algorithm>
#include <optional>

#include "attention/backward_rounds.h"
#include "attention/reference.h"
#include "attention/scratch.h"
#include "attention/sinks_gradient.h"
#include "base/arena.h"

namespace attend {
namespace {

void run_pairs(const BackwardProblem<float>& problem, BackwardKernel kernel, Executor& executor,
               std::byte* scratch, size_t worker_bytes) {
  const BackwardRounds rounds(problem.sizes);
  for (int64_t round = 0; round < rounds.count(); ++round) {
    executor.for_each(problem.sizes.B * rounds.items(), [&](int64_t item, int worker) {
      const std::optional<BackwardPair> pair =
          rounds.pair(item / rounds.items(), item % rounds.items(), round);
      if (pair) kernel(problem, *pair, share_of<float>(scratch, worker, worker_bytes));
    });
  }
}

template <class T>
void clear_bias_gradient(const BackwardProblem<T>& p) {
  if (!p.bias_gradient.present()) return;
  const Shape& shape = p.bias_gradient.shape;
  for (int64_t row = 0; row < shape[0] * shape[1] * shape[2]; ++row) {
    const int64_t i = row % shape[2], h = row / shape[2] % shape[1], b = row / shape[2] / shape[1];
    T* to = p.bias_gradient.head(b, h) + i * p.bias_gradient.stride[2];
    for (int64_t j = 0; j < shape[3]; ++j) to[j * p.bias_gradient.stride[3]] = 0;
  }
}

}  // namespace

size_t backward_worker_bytes(const Sizes& sizes, Isa isa, bool with_bias_gradient) {
  if (isa == Isa::kScalar) return 0;
  size_t floats = backward_panels_scratch(sizes);
  if (with_bias_gradient) floats = std::max(floats, bias_gradient_scratch(sizes));
  return round_to_lines(floats * sizeof(float));
}

template <class T>
void backward_by_reference(const BackwardProblem<T>& problem, Executor& executor) {
  const Sizes& n = problem.sizes;
  clear_bias_gradient(problem);
  if (problem.sinks_gradient.present()) sinks_gradient(problem, executor);
  const auto head = [&](int64_t item, int) { reference_backward(problem, item / n.Hkv, item % n.Hkv); };
  if (!problem.bias_gradient.present()) return executor.for_each(n.B * n.Hkv, head);
  // Heads that share a bias add to its gradient one after the other.
  for (int64_t item = 0; item < n.B * n.Hkv; ++item) head(item, 0);
}

template void backward_by_reference(const BackwardProblem<float>&, Executor&);
template void backward_by_reference(const BackwardProblem<double>&, Executor&);

void backward_by_kernels(const BackwardProblem<float>& problem, Isa isa, Executor& executor,
                         std::byte* scratch) {
  const Sizes& n = problem.sizes;
  const bool with_bias = problem.bias_gradient.present();
  const size_t worker_bytes = backward_worker_bytes(n, isa, with_bias);
  clear_bias_gradient(problem);
  if (problem.sinks_gradient.present()) sinks_gradient(problem, executor);
  run_pairs(problem, backward_panels(isa), executor, scratch, worker_bytes);
  if (!with_bias || n.B * n.Hq * n.Tq * n.Tk == 0) return;
  const BiasGradientKernel kernel = bias_gradient_panels(isa);
  executor.for_each(bias_gradient_items(n, problem.bias_gradient.shape), [&](int64_t item, int worker) {
    kernel(problem, bias_gradient_item(n, problem.bias_gradient.shape, item),
           share_of<float>(scratch, worker, worker_bytes));
  });
}

}  // namespace attend
