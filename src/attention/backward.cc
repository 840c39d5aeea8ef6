#include "attention/backward.h"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "attention/backward_rounds.h"
#include "attention/operand_rows.h"
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

/// Bytes of the dense sums of a gradient.
size_t sums_bytes(int64_t heads, int64_t rows, int64_t width) {
  return round_to_lines(static_cast<size_t>(heads * rows * width) * sizeof(float));
}

/// Makes a sum the gradient of the row that was given: it is turned back, by the transpose, and rounded.
template <class T>
void finish_row(const InputRows<T>& rows, const OutputRows<T>& gradient, int64_t b, int64_t h, int64_t t) {
  T* sum = gradient.row(b, h, t);
  if (rows.rotation.present()) {
    Turn<T> turn = rows.rotation.of(b, t);
    turn.transposed = true;
    turn_row(turn, sum, gradient.width, sum);
  }
  round_row(sum, gradient, b, h, t);
}

template <class T>
void run_reference(const BackwardProblem<T>& problem, Executor& executor) {
  const Sizes& n = problem.sizes;
  const auto head = [&](int64_t item, int) { reference_backward(problem, item / n.Hkv, item % n.Hkv); };
  if (!problem.bias_gradient.present()) return executor.for_each(n.B * n.Hkv, head);
  // Heads that share a bias add to its gradient one after the other.
  for (int64_t item = 0; item < n.B * n.Hkv; ++item) head(item, 0);
}

void run_kernels(const BackwardProblem<float>& problem, const BackwardPlan& plan, Executor& executor,
                 std::byte* scratch) {
  const Sizes& n = problem.sizes;
  run_pairs(problem, backward_panels(plan.isa), executor, scratch, plan.worker_bytes);
  if (!problem.bias_gradient.present() || n.B * n.Hq * n.Tq * n.Tk == 0) return;
  const BiasGradientKernel kernel = bias_gradient_panels(plan.isa);
  executor.for_each(bias_gradient_items(n, problem.bias_gradient.shape), [&](int64_t item, int worker) {
    kernel(problem, bias_gradient_item(n, problem.bias_gradient.shape, item),
           share_of<float>(scratch, worker, plan.worker_bytes));
  });
}

}  // namespace

BackwardPlan plan_backward(const Sizes& n, const RowForm& form, Isa isa, bool with_bias_gradient) {
  const size_t shared = form.narrow()
                            ? sums_bytes(n.B * n.Hq, n.Tq, n.D) + sums_bytes(n.B * n.Hkv, n.Tk, n.D) +
                                  sums_bytes(n.B * n.Hkv, n.Tk, n.Dv)
                            : 0;
  if (isa == Isa::kScalar) return {isa, 0, shared};
  size_t floats = backward_panels_scratch(n, form);
  if (with_bias_gradient) floats = std::max(floats, bias_gradient_scratch(n, form));
  return {isa, round_to_lines(floats * sizeof(float)), shared};
}

template <class T>
void place_sums(BackwardProblem<T>& p, std::byte* shared) {
  const Sizes& n = p.sizes;
  const auto place = [&](OutputRows<T>& gradient, int64_t heads, int64_t rows, int64_t width) {
    if (!gradient.narrow.present()) return;
    gradient.data = reinterpret_cast<T*>(shared);
    gradient.batch = heads * rows * width;
    gradient.head = rows * width;
    gradient.step = width;
    shared += sums_bytes(n.B * heads, rows, width);
  };
  place(p.query_gradient, n.Hq, n.Tq, n.D);
  place(p.key_gradient, n.Hkv, n.Tk, n.D);
  place(p.value_gradient, n.Hkv, n.Tk, n.Dv);
}

template <class T>
void finish_queries(const BackwardProblem<T>& p, int64_t b, int64_t h) {
  for (int64_t i = 0; i < p.sizes.Tq; ++i) finish_row(p.query, p.query_gradient, b, h, i);
}

template <class T>
void finish_keys(const BackwardProblem<T>& p, int64_t b, int64_t kv_head) {
  // Keys past a length need have no position: their gradients, zeros, are only rounded.
  const int64_t length = p.mask.head(b, 0).key_end(kFar);
  for (int64_t j = 0; j < p.sizes.Tk; ++j) {
    if (j < length) {
      finish_row(p.key, p.key_gradient, b, kv_head, j);
    } else {
      round_row(p.key_gradient.row(b, kv_head, j), p.key_gradient, b, kv_head, j);
    }
    finish_row(p.value, p.value_gradient, b, kv_head, j);
  }
}

template <class T>
void run_backward(BackwardProblem<T>& problem, const BackwardPlan& plan, Executor& executor,
                  std::byte* scratch) {
  clear_bias_gradient(problem);
  if (problem.sinks_gradient.present()) sinks_gradient(problem, executor);
  place_sums(problem, scratch + plan.worker_bytes * static_cast<size_t>(executor.workers()));
  if constexpr (std::is_same_v<T, float>) {
    if (plan.isa != Isa::kScalar) run_kernels(problem, plan, executor, scratch);
  }
  if (plan.isa == Isa::kScalar) run_reference(problem, executor);
  if (problem.query.in_place()) return;
  const Sizes& n = problem.sizes;
  executor.for_each(n.B * n.Hq,
                    [&](int64_t item, int) { finish_queries(problem, item / n.Hq, item % n.Hq); });
  executor.for_each(n.B * n.Hkv,
                    [&](int64_t item, int) { finish_keys(problem, item / n.Hkv, item % n.Hkv); });
}

template void run_backward(BackwardProblem<float>&, const BackwardPlan&, Executor&, std::byte*);
template void run_backward(BackwardProblem<double>&, const BackwardPlan&, Executor&, std::byte*);
template void place_sums(BackwardProblem<float>&, std::byte*);
template void place_sums(BackwardProblem<double>&, std::byte*);
template void finish_queries(const BackwardProblem<float>&, int64_t, int64_t);
template void finish_queries(const BackwardProblem<double>&, int64_t, int64_t);
template void finish_keys(const BackwardProblem<float>&, int64_t, int64_t);
template void finish_keys(const BackwardProblem<double>&, int64_t, int64_t);

}  // namespace attend
