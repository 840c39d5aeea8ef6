#include "attend/attention.h"

#include <new>

#include "attention/dispatch.h"
#include "attention/problem.h"
#include "attention/reference.h"
#include "attention/validate.h"
#include "base/arena.h"

namespace attend {
namespace {

/// Rounds up so that every worker's share starts on a cache line of its own.
size_t aligned(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

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

size_t forward_bytes(const AttentionTensors& t) {
  return aligned(static_cast<size_t>(t.key.shape[2]) * size_of(t.query.dtype));
}

template <class T>
void run_reference(const ForwardProblem<T>& problem, Executor& executor, std::byte* scratch,
                   size_t worker_bytes) {
  executor.for_each(problem.sizes.B * problem.sizes.Hq, [&](int64_t task, int worker) {
    T* scores = reinterpret_cast<T*>(scratch + static_cast<size_t>(worker) * worker_bytes);
    reference_forward(problem, task / problem.sizes.Hq, task % problem.sizes.Hq, scores);
  });
}

template <class T>
void run_reference(const BackwardProblem<T>& problem, Executor& executor) {
  executor.for_each(problem.sizes.B * problem.sizes.Hkv, [&](int64_t task, int) {
    reference_backward(problem, task / problem.sizes.Hkv, task % problem.sizes.Hkv);
  });
}

}  // namespace

Status attention(const AttentionTensors& tensors, const AttentionOptions& options,
                 const AttentionResources& resources) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  const size_t worker_bytes = forward_bytes(tensors);
  return with_scratch(
      resources, worker_bytes * static_cast<size_t>(resources.executor.workers()), [&](std::byte* scratch) {
        if (tensors.query.dtype == DType::kFloat64) {
          run_reference(ForwardProblem<double>(tensors, options), resources.executor, scratch, worker_bytes);
        } else {
          run_reference(ForwardProblem<float>(tensors, options), resources.executor, scratch, worker_bytes);
        }
      });
}

size_t attention_scratch_bytes(const AttentionTensors& tensors, const AttentionOptions& options,
                               int workers) {
  if (!validate(tensors, options).ok()) return 0;
  return forward_bytes(tensors) * static_cast<size_t>(workers);
}

Status attention_backward(const AttentionGradientTensors& tensors, const AttentionOptions& options,
                          const AttentionResources& resources) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  if (tensors.query.dtype == DType::kFloat64) {
    run_reference(BackwardProblem<double>(tensors, options), resources.executor);
  } else {
    run_reference(BackwardProblem<float>(tensors, options), resources.executor);
  }
  return {};
}

size_t attention_backward_scratch_bytes(const AttentionGradientTensors&, const AttentionOptions&, int) {
  return 0;
}

std::string explain(const AttentionTensors& tensors, const AttentionOptions& options) {
  const Status status = validate(tensors, options);
  if (!status.ok()) return status.message();
  return "reference loops on " + std::string(name(chosen_isa(tensors.query.dtype, options)));
}

}  // namespace attend
