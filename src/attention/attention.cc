#include "attend/attention.h"

#include "attention/backward.h"
#include "attention/dispatch.h"
#include "attention/explain.h"
#include "attention/forward.h"
#include "attention/problem.h"
#include "attention/reference.h"
#include "attention/scratch.h"
#include "attention/sizes.h"
#include "attention/validate.h"

namespace attend {
namespace {

ForwardPlan plan_of(const AttentionTensors& t, const AttentionOptions& options) {
  return plan_forward(sizes_of(t.query, t.key, t.value), form_of(t.query, options),
                      chosen_isa(t.query.dtype, options), t.head_mean.present() || t.column_sums.present());
}

BackwardPlan plan_of(const AttentionGradientTensors& t, const AttentionOptions& options) {
  return plan_backward(sizes_of(t.query, t.key, t.value), form_of(t.query, options),
                       chosen_isa(t.query.dtype, options), t.bias_gradient.present());
}

template <class Plan>
size_t scratch_bytes(const Plan& plan, int workers) {
  return plan.worker_bytes * static_cast<size_t>(workers) + plan.shared_bytes;
}

/// Heads that share a summary of the weights add to it one after the other.
template <class T>
void run_reference(const ForwardProblem<T>& problem, const ForwardPlan& plan, Executor& executor,
                   std::byte* scratch) {
  clear_summaries(problem);
  const auto head = [&](int64_t item, int worker) {
    const int64_t b = item / problem.sizes.Hq, h = item % problem.sizes.Hq;
    reference_forward(problem, b, h, share_of<T>(scratch, worker, plan.worker_bytes));
  };
  if (!problem.summarises()) return executor.for_each(plan.items, head);
  for (int64_t item = 0; item < plan.items; ++item) head(item, 0);
}

void run_kernels(ForwardProblem<float>& problem, const ForwardPlan& plan, Executor& executor,
                 std::byte* scratch) {
  const size_t shares = plan.worker_bytes * static_cast<size_t>(executor.workers());
  if (problem.summarises()) problem.row_ends = reinterpret_cast<RowEnd*>(scratch + shares);
  const auto run_items = [&](ForwardKernel kernel, int64_t items) {
    executor.for_each(items, [&](int64_t item, int worker) {
      kernel(problem, item, share_of<float>(scratch, worker, plan.worker_bytes));
    });
  };
  run_items(plan.kernel, plan.items);
  if (problem.head_mean.present()) run_items(head_mean_panels(plan.isa), head_mean_items(problem.sizes));
  if (problem.column_sums.present())
    run_items(column_sums_panels(plan.isa), column_sums_items(problem.sizes));
}

void run(const AttentionTensors& tensors, const AttentionOptions& options, const ForwardPlan& plan,
         Executor& executor, std::byte* scratch) {
  if (tensors.query.dtype == DType::kFloat64) {
    return run_reference(ForwardProblem<double>(tensors, options), plan, executor, scratch);
  }
  ForwardProblem<float> problem(tensors, options);
  if (plan.kernel == nullptr) return run_reference(problem, plan, executor, scratch);
  run_kernels(problem, plan, executor, scratch);
}

/// Without queries there is no output, but there are sums over no queries.
void finish_empty(const AttentionTensors& tensors, const AttentionOptions& options) {
  if (tensors.query.dtype == DType::kFloat64) {
    clear_summaries(ForwardProblem<double>(tensors, options));
  } else {
    clear_summaries(ForwardProblem<float>(tensors, options));
  }
}

}  // namespace

Status attention(const AttentionTensors& tensors, const AttentionOptions& options,
                 const AttentionResources& resources) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  if (!has_elements(tensors.output.shape)) {
    finish_empty(tensors, options);
    return {};
  }
  const ForwardPlan plan = plan_of(tensors, options);
  return with_scratch(resources, scratch_bytes(plan, resources.executor.workers()), "attention",
                      [&](std::byte* scratch) { run(tensors, options, plan, resources.executor, scratch); });
}

Result<size_t> attention_scratch_bytes(const AttentionTensors& tensors, const AttentionOptions& options,
                                       int workers) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  ATTEND_RETURN_IF_ERROR(check_workers(workers));
  return scratch_bytes(plan_of(tensors, options), workers);
}

Status attention_backward(const AttentionGradientTensors& tensors, const AttentionOptions& options,
                          const AttentionResources& resources) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  const BackwardPlan plan = plan_of(tensors, options);
  Executor& executor = resources.executor;
  return with_scratch(resources, scratch_bytes(plan, executor.workers()), "attention_backward",
                      [&](std::byte* scratch) {
                        if (tensors.query.dtype == DType::kFloat64) {
                          BackwardProblem<double> problem(tensors, options);
                          run_backward(problem, plan, executor, scratch);
                        } else {
                          BackwardProblem<float> problem(tensors, options);
                          run_backward(problem, plan, executor, scratch);
                        }
                      });
}

Result<size_t> attention_backward_scratch_bytes(const AttentionGradientTensors& tensors,
                                                const AttentionOptions& options, int workers) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  ATTEND_RETURN_IF_ERROR(check_workers(workers));
  return scratch_bytes(plan_of(tensors, options), workers);
}

Result<std::string> explain(const AttentionTensors& tensors, const AttentionOptions& options) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  return in_words(plan_of(tensors, options), sizes_of(tensors.query, tensors.key, tensors.value),
                  form_of(tensors.query, options)) +
         options_in_words(options) + summaries_in_words(tensors);
}

}  // namespace attend
