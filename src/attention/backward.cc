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

/// The rounds of some key/value heads.
void run_rounds(const BackwardProblem<float>& problem, const BackwardPlan& plan, const Range& heads,
                Executor& executor, std::byte* scratch) {
  const BackwardKernel kernel = backward_panels(plan.isa);
  const BackwardRounds rounds(problem.sizes);
  const int64_t blocks = rounds.key_blocks(), Hkv = problem.sizes.Hkv;
  for (int64_t round = 0; round < rounds.count(); ++round) {
    executor.for_each((heads.end - heads.begin) * blocks, [&](int64_t item, int worker) {
      const int64_t head = heads.begin + item / blocks;
      const std::optional<BackwardPair> pair = rounds.pair(head / Hkv, head % Hkv, item % blocks, round);
      if (pair) kernel(problem, *pair, share_of<float>(scratch, worker, plan.worker_bytes));
    });
  }
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
void finish_keys(const BackwardProblem<T>& p, int64_t b, int64_t kv_head, const Range& keys) {
  // Keys past a length need have no position: their gradients, zeros, are only rounded.
  const int64_t length = p.mask.head(b, 0).key_end(kFar);
  for (int64_t j = keys.begin; j < keys.end; ++j) {
    if (j < length) {
      finish_row(p.key, p.key_gradient, b, kv_head, j);
    } else {
      round_row(p.key_gradient.row(b, kv_head, j), p.key_gradient, b, kv_head, j);
    }
    finish_row(p.value, p.value_gradient, b, kv_head, j);
  }
}

template <class T>
void run_reference(const BackwardProblem<T>& problem, const Range& heads, Executor& executor) {
  const int64_t Hkv = problem.sizes.Hkv, count = heads.end - heads.begin;
  const auto run = [&](int64_t item, int) {
    const int64_t head = heads.begin + item;
    reference_backward(problem, head / Hkv, head % Hkv);
  };
  if (!problem.bias_gradient.present()) return executor.for_each(count, run);
  // Heads that share a bias add to its gradient one after the other.
  for (int64_t item = 0; item < count; ++item) run(item, 0);
}

void sum_bias_gradient(const BackwardProblem<float>& problem, const BackwardPlan& plan, Executor& executor,
                       std::byte* scratch) {
  const Sizes& n = problem.sizes;
  if (!problem.bias_gradient.present() || n.B * n.Hq * n.Tq * n.Tk == 0) return;
  const BiasGradientKernel kernel = bias_gradient_panels(plan.isa);
  executor.for_each(bias_gradient_items(n, problem.bias_gradient.shape), [&](int64_t item, int worker) {
    kernel(problem, bias_gradient_item(n, problem.bias_gradient.shape, item),
           share_of<float>(scratch, worker, plan.worker_bytes));
  });
}

/// The gradients of query, key and value of one wave.
template <class T>
void run_wave(BackwardProblem<T>& problem, const BackwardPlan& plan, const Range& heads, Executor& executor,
              std::byte* scratch) {
  place_sums(problem, heads, scratch + plan.worker_bytes * static_cast<size_t>(executor.workers()));
  if constexpr (std::is_same_v<T, float>) {
    if (plan.isa != Isa::kScalar) run_rounds(problem, plan, heads, executor, scratch);
  }
  if (plan.isa == Isa::kScalar) run_reference(problem, heads, executor);
  if (problem.query.in_place()) return;
  const int64_t blocks = BackwardRounds(problem.sizes).count(), Hkv = problem.sizes.Hkv;
  executor.for_each((heads.end - heads.begin) * blocks, [&](int64_t item, int) {
    const int64_t head = heads.begin + item / blocks;
    finish_block(problem, head / Hkv, head % Hkv, item % blocks);
  });
}

}  // namespace

BackwardPlan plan_backward(const Sizes& sizes, const RowForm& form, Isa isa, bool with_bias_gradient) {
  const Sizes n = without_empty(sizes);
  const BackwardWaves waves(n, form);
  if (isa == Isa::kScalar) return {isa, 0, waves.bytes(), waves};
  size_t floats = backward_panels_scratch(n, form);
  if (with_bias_gradient) floats = std::max(floats, bias_gradient_scratch(n, form));
  return {isa, round_to_lines(floats * sizeof(float)), waves.bytes(), waves};
}

template <class T>
void clear_bias_gradient(const BackwardProblem<T>& p) {
  if (!p.bias_gradient.present() || !has_elements(p.bias_gradient.shape)) return;
  const Shape& shape = p.bias_gradient.shape;
  for (int64_t row = 0; row < shape[0] * shape[1] * shape[2]; ++row) {
    const int64_t i = row % shape[2], h = row / shape[2] % shape[1], b = row / shape[2] / shape[1];
    T* to = p.bias_gradient.head(b, h) + i * p.bias_gradient.stride[2];
    for (int64_t j = 0; j < shape[3]; ++j) to[j * p.bias_gradient.stride[3]] = 0;
  }
}

template <class T>
void finish_block(const BackwardProblem<T>& p, int64_t b, int64_t kv_head, int64_t block) {
  const BackwardRounds rounds(p.sizes);
  const Range queries = rounds.queries(block);
  const int64_t group = p.sizes.group();
  for (int64_t h = kv_head * group; h < (kv_head + 1) * group; ++h) {
    for (int64_t i = queries.begin; i < queries.end; ++i) finish_row(p.query, p.query_gradient, b, h, i);
  }
  finish_keys(p, b, kv_head, rounds.keys(block));
}

template <class T>
void run_backward(BackwardProblem<T>& problem, const BackwardPlan& plan, Executor& executor,
                  std::byte* scratch) {
  problem.sizes = without_empty(problem.sizes);
  clear_bias_gradient(problem);
  const auto whole = [&](int64_t) -> const BackwardProblem<T>& { return problem; };
  sum_sinks_gradient(problem, problem.sizes.B, executor, whole);
  for (int64_t wave = 0; wave < plan.waves.count(); ++wave) {
    run_wave(problem, plan, plan.waves.heads(wave), executor, scratch);
  }
  if constexpr (std::is_same_v<T, float>) {
    if (plan.isa != Isa::kScalar) sum_bias_gradient(problem, plan, executor, scratch);
  }
}

template void run_backward(BackwardProblem<float>&, const BackwardPlan&, Executor&, std::byte*);
template void run_backward(BackwardProblem<double>&, const BackwardPlan&, Executor&, std::byte*);
template void clear_bias_gradient(const BackwardProblem<float>&);
template void clear_bias_gradient(const BackwardProblem<double>&);
template void finish_block(const BackwardProblem<float>&, int64_t, int64_t, int64_t);
template void finish_block(const BackwardProblem<double>&, int64_t, int64_t, int64_t);

}  // namespace attend
