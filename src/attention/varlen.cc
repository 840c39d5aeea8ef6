#include "attend/varlen.h"

#include <algorithm>
#include <string>
#include <type_traits>

#include "attention/dispatch.h"
#include "attention/explain.h"
#include "attention/forward.h"
#include "attention/problem.h"
#include "attention/reference.h"
#include "attention/scratch.h"
#include "attention/sequences.h"
#include "attention/varlen_validate.h"
#include "attention/work_list.h"

namespace attend {
namespace {

/// The forward pass of a valid call: a plan for each sequence, its own and no other's.
class PackedForward {
 public:
  PackedForward(const PackedAttentionTensors& tensors, const AttentionOptions& options)
      : tensors_(tensors),
        options_(options),
        sequences_(tensors),
        isa_(chosen_isa(tensors.query.dtype, options)) {
    for (int64_t s = 0; s < sequences_.count(); ++s) {
      worker_bytes_ = std::max(worker_bytes_, plan(s).worker_bytes);
    }
  }

  const Sequences& sequences() const { return sequences_; }
  ForwardPlan plan(int64_t s) const { return plan_forward(sequences_.sizes(s), form(), isa_, false); }

  RowForm form() const { return form_of(tensors_.query, options_); }

  /// Work items of a sequence.
  int64_t items(int64_t s) const { return sequences_.sizes(s).Tq == 0 ? 0 : plan(s).items; }

  size_t list_bytes() const { return WorkList::bytes(sequences_.count()); }
  size_t scratch_bytes(int workers) const {
    return list_bytes() + worker_bytes_ * static_cast<size_t>(workers);
  }

  void run(Executor& executor, std::byte* scratch) const {
    if (tensors_.query.dtype == DType::kFloat64) {
      run_problem<double>(executor, scratch);
    } else {
      run_problem<float>(executor, scratch);
    }
  }

 private:
  template <class T>
  void run_problem(Executor& executor, std::byte* scratch) const {
    const ForwardProblem<T> whole(
        {tensors_.query, tensors_.key, tensors_.value, tensors_.output, tensors_.lse, {}}, options_);
    const auto longer = [this](int64_t s, int64_t t) {
      const double first = item_pairs(s), second = item_pairs(t);
      return first != second ? first > second : s < t;
    };
    const WorkList list(sequences_.count(), scratch, longer, [this](int64_t s) { return items(s); });
    executor.for_each(list.size(), [&](int64_t n, int worker) {
      run_item(whole, list.item(n), share_of<T>(scratch + list_bytes(), worker, worker_bytes_));
    });
  }

  /// Pairs of query and key of a sequence's largest item: what it costs.
  double item_pairs(int64_t s) const {
    const Sizes n = sequences_.sizes(s);
    const int64_t queries = isa_ == Isa::kScalar ? n.Tq : std::min<int64_t>(n.Tq, form().block_queries());
    return static_cast<double>(queries) * static_cast<double>(n.Tk);
  }

  template <class T>
  void run_item(const ForwardProblem<T>& whole, const WorkList::Item& item, T* scratch) const {
    const auto [s, index] = item;
    const ForwardPlan plan = this->plan(s);
    const ForwardProblem<T> problem = problem_of(sequences_[s], options_, whole);
    if constexpr (std::is_same_v<T, float>) {
      // Items of all kernels count batch row by batch row, and the plan is that of one.
      if (plan.kernel != nullptr) return plan.kernel(problem, s * plan.items + index, scratch);
    }
    reference_forward(problem, s, index, scratch);
  }

  const PackedAttentionTensors& tensors_;
  const AttentionOptions& options_;
  Sequences sequences_;
  Isa isa_;
  size_t worker_bytes_ = 0;
};

/// The sequences that are computed in one form.
struct KernelShare {
  int64_t sequences = 0, longest = 0;  // how many, and the one with the most queries
  ForwardPlan plan = {};               // of that one
};

/// How many sequences, and how, in the words that explain() has for the longest of them.
std::string in_words(const KernelShare& share, const PackedForward& forward) {
  const std::string count = std::to_string(share.sequences);
  return "; " + count + (share.sequences == 1 ? " sequence: " : " sequences, the longest: ") +
         in_words(share.plan, forward.sequences().sizes(share.longest), forward.form());
}

}  // namespace

Status attention_varlen(const PackedAttentionTensors& tensors, const AttentionOptions& options,
                        const AttentionResources& resources) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  if (!has_elements(tensors.output.shape)) return {};
  const PackedForward forward(tensors, options);
  return with_scratch(resources, forward.scratch_bytes(resources.executor.workers()), "attention_varlen",
                      [&](std::byte* scratch) { forward.run(resources.executor, scratch); });
}

Result<size_t> attention_varlen_scratch_bytes(const PackedAttentionTensors& tensors,
                                              const AttentionOptions& options, int workers) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  ATTEND_RETURN_IF_ERROR(check_workers(workers));
  return PackedForward(tensors, options).scratch_bytes(workers);
}

Result<std::string> explain_varlen(const PackedAttentionTensors& tensors, const AttentionOptions& options) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  const PackedForward forward(tensors, options);
  const Sequences& sequences = forward.sequences();
  KernelShare shares[kForwardForms];
  int64_t items = 0, idle = 0;
  for (int64_t s = 0; s < sequences.count(); ++s) {
    const ForwardPlan plan = forward.plan(s);
    items += forward.items(s);
    if (sequences.sizes(s).Tq == 0) {
      ++idle;
      continue;
    }
    KernelShare& share = shares[static_cast<int>(plan.form)];
    if (share.sequences++ == 0 || sequences.sizes(s).Tq > sequences.sizes(share.longest).Tq) {
      share.longest = s;
      share.plan = plan;
    }
  }
  std::string text = std::to_string(sequences.count()) + " packed sequences";
  if (idle > 0) text += ", " + std::to_string(idle) + " of them without queries";
  text += ", in one list of " + std::to_string(items) + " work items, the longest first";
  for (const KernelShare& share : shares) {
    if (share.sequences > 0) text += in_words(share, forward);
  }
  return text + options_in_words(options);
}

}  // namespace attend
