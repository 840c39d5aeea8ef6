#include "attend/attention.h"

#include <algorithm>
#include <new>

#include "attention/dispatch.h"
#include "attention/forward.h"
#include "attention/problem.h"
#include "attention/reference.h"
#include "attention/validate.h"
#include "base/arena.h"

namespace attend {
namespace {

/// Calls body(scratch) with the caller's scratch, a buffer on the stack when little is needed, or one
/// allocation.
template <class Body>
Status with_scratch(const AttentionResources& resources, size_t bytes, Body&& body) {
  constexpr size_t kSmall = 32 * 1024;
  if (!resources.scratch.empty()) {
    if (resources.scratch.size() < bytes) {
      return {StatusCode::kInvalidArgument, "scratch has " + std::to_string(resources.scratch.size()) +
                                                " bytes, but the call needs " + std::to_string(bytes)};
    }
    if (reinterpret_cast<uintptr_t>(resources.scratch.data()) % 64 != 0) {
      return {StatusCode::kInvalidArgument, "scratch is not aligned to 64 bytes"};
    }
    body(resources.scratch.data());
  } else if (bytes <= kSmall) {
    alignas(64) std::byte small[kSmall];
    body(small);
  } else {
    AlignedBytes memory;
    try {
      memory = allocate_aligned(bytes);
    } catch (const std::bad_alloc&) {
      return {StatusCode::kOutOfMemory, "attention needs " + std::to_string(bytes) + " bytes of scratch"};
    }
    body(memory.get());
  }
  return {};
}

bool is_empty(const TensorView& view) {
  return std::find(view.shape.begin(), view.shape.end(), 0) != view.shape.end();
}

/// A worker's share of the scratch.
template <class T>
T* share_of(std::byte* scratch, int worker, size_t worker_bytes) {
  return reinterpret_cast<T*>(scratch + static_cast<size_t>(worker) * worker_bytes);
}

ForwardPlan plan_of(const AttentionTensors& t, const AttentionOptions& options) {
  return plan_forward(sizes_of(t.query, t.key, t.value), t.query.dtype, chosen_isa(t.query.dtype, options));
}

template <class T>
void run_reference(const ForwardProblem<T>& problem, const ForwardPlan& plan, Executor& executor,
                   std::byte* scratch) {
  executor.for_each(plan.items, [&](int64_t item, int worker) {
    reference_forward(problem, item / problem.sizes.Hq, item % problem.sizes.Hq,
                      share_of<T>(scratch, worker, plan.worker_bytes));
  });
}

void run(const AttentionTensors& tensors, const AttentionOptions& options, const ForwardPlan& plan,
         Executor& executor, std::byte* scratch) {
  if (tensors.query.dtype == DType::kFloat64) {
    return run_reference(ForwardProblem<double>(tensors, options), plan, executor, scratch);
  }
  const ForwardProblem<float> problem(tensors, options);
  if (plan.kernel == nullptr) return run_reference(problem, plan, executor, scratch);
  executor.for_each(plan.items, [&](int64_t item, int worker) {
    plan.kernel(problem, item, share_of<float>(scratch, worker, plan.worker_bytes));
  });
}

template <class T>
void run_reference(const BackwardProblem<T>& problem, Executor& executor) {
  executor.for_each(problem.sizes.B * problem.sizes.Hkv, [&](int64_t item, int) {
    reference_backward(problem, item / problem.sizes.Hkv, item % problem.sizes.Hkv);
  });
}

size_t backward_worker_bytes(const Sizes& sizes, Isa isa) {
  if (isa == Isa::kScalar) return 0;
  return round_to_lines(backward_panels_scratch(sizes) * sizeof(float));
}

/// Pairs of query and key blocks, in rounds in which no block appears twice: in round r, key block k meets
/// query block k + r, modulo the number of blocks. So nothing is added to from two places at once, each
/// gradient is summed in an order that the shapes alone decide, and a round has as much to do at once as
/// there are heads and key blocks.
void run_panels(const BackwardProblem<float>& problem, Isa isa, Executor& executor, std::byte* scratch) {
  const Sizes& n = problem.sizes;
  const int64_t query_blocks = std::max<int64_t>(1, (n.Tq + kBackwardQueries - 1) / kBackwardQueries);
  const int64_t key_blocks = std::max<int64_t>(1, (n.Tk + kBackwardKeys - 1) / kBackwardKeys);
  const int64_t rounds = std::max(query_blocks, key_blocks);
  const size_t worker_bytes = backward_worker_bytes(n, isa);
  const BackwardKernel kernel = backward_panels(isa);
  for (int64_t round = 0; round < rounds; ++round) {
    executor.for_each(n.B * n.Hkv * key_blocks, [&](int64_t item, int worker) {
      const int64_t head = item / key_blocks, k = item % key_blocks, q = (k + round) % rounds;
      if (q >= query_blocks) return;
      const BackwardPair pair = {.b = head / n.Hkv,
                                 .kv_head = head % n.Hkv,
                                 .query_block = q,
                                 .key_block = k,
                                 .first_for_queries = k == std::min(q, key_blocks - 1),
                                 .first_for_keys = q == (k < query_blocks ? k : 0)};
      kernel(problem, pair, share_of<float>(scratch, worker, worker_bytes));
    });
  }
}

}  // namespace

Status attention(const AttentionTensors& tensors, const AttentionOptions& options,
                 const AttentionResources& resources) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  if (is_empty(tensors.output)) return {};
  const ForwardPlan plan = plan_of(tensors, options);
  return with_scratch(resources, plan.worker_bytes * static_cast<size_t>(resources.executor.workers()),
                      [&](std::byte* scratch) { run(tensors, options, plan, resources.executor, scratch); });
}

size_t attention_scratch_bytes(const AttentionTensors& tensors, const AttentionOptions& options,
                               int workers) {
  if (!validate(tensors, options).ok()) return 0;
  return plan_of(tensors, options).worker_bytes * static_cast<size_t>(workers);
}

Status attention_backward(const AttentionGradientTensors& tensors, const AttentionOptions& options,
                          const AttentionResources& resources) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  if (is_empty(tensors.query_gradient) && is_empty(tensors.key_gradient)) return {};
  Executor& executor = resources.executor;
  if (tensors.query.dtype == DType::kFloat64) {
    run_reference(BackwardProblem<double>(tensors, options), executor);
    return {};
  }
  const BackwardProblem<float> problem(tensors, options);
  const Isa isa = chosen_isa(tensors.query.dtype, options);
  if (isa == Isa::kScalar) {
    run_reference(problem, executor);
    return {};
  }
  const size_t bytes = backward_worker_bytes(problem.sizes, isa) * static_cast<size_t>(executor.workers());
  return with_scratch(resources, bytes,
                      [&](std::byte* scratch) { run_panels(problem, isa, executor, scratch); });
}

size_t attention_backward_scratch_bytes(const AttentionGradientTensors& tensors,
                                        const AttentionOptions& options, int workers) {
  if (!validate(tensors, options).ok()) return 0;
  const Isa isa = chosen_isa(tensors.query.dtype, options);
  return backward_worker_bytes(sizes_of(tensors.query, tensors.key, tensors.value), isa) *
         static_cast<size_t>(workers);
}

std::string explain(const AttentionTensors& tensors, const AttentionOptions& options) {
  const Status status = validate(tensors, options);
  if (!status.ok()) return status.message();
  return describe(plan_of(tensors, options), sizes_of(tensors.query, tensors.key, tensors.value),
                  tensors.query.dtype);
}

}  // namespace attend
