#include <algorithm>
#include <optional>
#include <type_traits>

#include "attend/varlen.h"
#include "attention/backward.h"
#include "attention/backward_rounds.h"
#include "attention/dispatch.h"
#include "attention/reference.h"
#include "attention/scratch.h"
#include "attention/sequences.h"
#include "attention/sinks_gradient.h"
#include "attention/varlen_validate.h"
#include "attention/work_list.h"

namespace attend {
namespace {

/// The packed operands as one problem, of which sequences are cut out.
template <class T>
BackwardProblem<T> whole_problem(const PackedAttentionGradientTensors& t, const AttentionOptions& options) {
  return {{t.query, t.key, t.value, t.output, t.lse, t.output_gradient, t.query_gradient, t.key_gradient,
           t.value_gradient, t.bias_gradient, t.sinks_gradient},
          options};
}

/// The backward pass of a valid call. All sequences go through their rounds together: round r of each that
/// has so many is done at once, and each gradient is summed in the order that it would have alone.
class PackedBackward {
 public:
  PackedBackward(const PackedAttentionGradientTensors& tensors, const AttentionOptions& options)
      : tensors_(tensors),
        options_(options),
        sequences_(tensors),
        isa_(chosen_isa(tensors.query.dtype, options)),
        plan_(plan_backward(sizes_of(tensors.query, tensors.key, tensors.value),
                            form_of(tensors.query, options), isa_, tensors.bias_gradient.present())) {}

  size_t list_bytes() const { return WorkList::bytes(sequences_.count()); }
  size_t scratch_bytes(int workers) const {
    return list_bytes() + plan_.worker_bytes * static_cast<size_t>(workers) + plan_.shared_bytes;
  }

  void run(Executor& executor, std::byte* scratch) const {
    if (tensors_.query.dtype == DType::kFloat64) {
      run_problem(whole_problem<double>(tensors_, options_), executor, scratch);
    } else {
      run_problem(whole_problem<float>(tensors_, options_), executor, scratch);
    }
  }

 private:
  /// Sequences with more rounds come first, and of these those with more pairs of query and key.
  bool is_before(int64_t s, int64_t t) const {
    const Sizes a = sequences_.sizes(s), b = sequences_.sizes(t);
    const int64_t rounds = BackwardRounds(a).count(), others = BackwardRounds(b).count();
    if (rounds != others) return rounds > others;
    const double pairs = static_cast<double>(a.Tq) * static_cast<double>(a.Tk),
                 other_pairs = static_cast<double>(b.Tq) * static_cast<double>(b.Tk);
    return pairs != other_pairs ? pairs > other_pairs : s < t;
  }

  /// Items of a key/value head of each sequence.
  template <class Items>
  WorkList list_of(std::byte* memory, const Items& items) const {
    return {sequences_.count(), memory, [this](int64_t s, int64_t t) { return is_before(s, t); },
            [&](int64_t s) {
              const Sizes n = sequences_.sizes(s);
              return n.Tq + n.Tk == 0 ? 0 : items(n);
            }};
  }

  template <class T>
  void run_problem(BackwardProblem<T> whole, Executor& executor, std::byte* scratch) const {
    sum_sinks_gradient(whole, sequences_.count(), executor,
                       [&](int64_t s) { return problem_of(sequences_[s], options_, whole); });
    clear_bias_gradient(whole);
    std::byte* sums = scratch + list_bytes() + plan_.worker_bytes * static_cast<size_t>(executor.workers());
    whole.sizes = without_empty(whole.sizes);
    for (int64_t wave = 0; wave < plan_.waves.count(); ++wave) {
      const Range heads = plan_.waves.heads(wave);
      place_sums(whole, heads, sums);
      if constexpr (std::is_same_v<T, float>) {
        if (isa_ != Isa::kScalar) run_kernels(whole, heads, executor, scratch);
      }
      if (isa_ == Isa::kScalar) run_reference(whole, heads, executor, scratch);
      if (!whole.query.in_place()) finish(whole, heads, executor, scratch);
    }
    if constexpr (std::is_same_v<T, float>) {
      if (isa_ != Isa::kScalar) sum_bias(whole, executor, scratch);
    }
  }

  /// run(s, kv_head, item, worker) for the items of a list, of each of the heads.
  template <class Run>
  static void for_each(const WorkList& list, int64_t sequences, const Range& heads, Executor& executor,
                       const Run& run) {
    const int64_t count = heads.end - heads.begin;
    executor.for_each(list.size(sequences) * count, [&](int64_t n, int worker) {
      const auto [s, item] = list.item(n / count);
      run(s, heads.begin + n % count, item, worker);
    });
  }

  /// Sums become gradients of the rows as they were given.
  template <class T>
  void finish(const BackwardProblem<T>& whole, const Range& heads, Executor& executor,
              std::byte* scratch) const {
    const WorkList list = list_of(scratch, [](const Sizes& n) { return BackwardRounds(n).count(); });
    for_each(list, sequences_.count(), heads, executor, [&](int64_t s, int64_t kv_head, int64_t block, int) {
      finish_block(problem_of(sequences_[s], options_, whole), s, kv_head, block);
    });
  }

  template <class T>
  void run_reference(const BackwardProblem<T>& whole, const Range& heads, Executor& executor,
                     std::byte* scratch) const {
    if (whole.bias_gradient.present()) {
      // Sequences and heads that share a bias add to its gradient one after the other.
      for (int64_t s = 0; s < sequences_.count(); ++s) {
        const BackwardProblem<T> problem = problem_of(sequences_[s], options_, whole);
        for (int64_t h = heads.begin; h < heads.end; ++h) reference_backward(problem, s, h);
      }
      return;
    }
    const WorkList list = list_of(scratch, [](const Sizes&) { return int64_t{1}; });
    for_each(list, sequences_.count(), heads, executor, [&](int64_t s, int64_t kv_head, int64_t, int) {
      reference_backward(problem_of(sequences_[s], options_, whole), s, kv_head);
    });
  }

  void run_kernels(const BackwardProblem<float>& whole, const Range& heads, Executor& executor,
                   std::byte* scratch) const {
    const WorkList list = list_of(scratch, [](const Sizes& n) { return BackwardRounds(n).key_blocks(); });
    const auto rounds_of = [this](int64_t s) { return BackwardRounds(sequences_.sizes(s)); };
    const BackwardKernel kernel = backward_panels(isa_);
    int64_t active = sequences_.count();  // sequences, at the first places, that are not done
    for (int64_t round = 0;; ++round) {
      while (active > 0 && rounds_of(list.problem(active - 1)).count() <= round) --active;
      if (active == 0) return;
      for_each(list, active, heads, executor, [&](int64_t s, int64_t kv_head, int64_t block, int worker) {
        const std::optional<BackwardPair> pair = rounds_of(s).pair(s, kv_head, block, round);
        if (!pair) return;
        kernel(problem_of(sequences_[s], options_, whole), *pair,
               share_of<float>(scratch + list_bytes(), worker, plan_.worker_bytes));
      });
    }
  }

  /// The gradient of the bias: a work item owns elements of it, and adds what each sequence has for them, in
  /// order.
  void sum_bias(const BackwardProblem<float>& whole, Executor& executor, std::byte* scratch) const {
    Sizes n = whole.sizes;
    n.B = sequences_.count();
    n.Tq = sequences_.longest_queries();
    n.Tk = sequences_.longest_keys();
    if (!whole.bias_gradient.present() || !has_elements({n.B, n.Hq, n.Tq, n.Tk})) return;
    const Shape& shape = whole.bias_gradient.shape;
    const BiasGradientKernel kernel = bias_gradient_panels(isa_);
    executor.for_each(bias_gradient_items(n, shape), [&](int64_t item, int worker) {
      const BiasGradientItem all = bias_gradient_item(n, shape, item);
      for (int64_t s = all.batch.begin; s < all.batch.end; ++s) {
        const BackwardProblem<float> problem = problem_of(sequences_[s], options_, whole);
        const auto within = [](const Range& rows, int64_t count) {
          return Range{std::min(rows.begin, count), std::min(rows.end, count)};
        };
        kernel(problem,
               {{s, s + 1},
                all.heads,
                within(all.queries, problem.sizes.Tq),
                within(all.keys, problem.sizes.Tk)},
               share_of<float>(scratch + list_bytes(), worker, plan_.worker_bytes));
      }
    });
  }

  const PackedAttentionGradientTensors& tensors_;
  const AttentionOptions& options_;
  Sequences sequences_;
  Isa isa_;
  BackwardPlan plan_;
};

}  // namespace

Status attention_varlen_backward(const PackedAttentionGradientTensors& tensors,
                                 const AttentionOptions& options, const AttentionResources& resources) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  const PackedBackward backward(tensors, options);
  return with_scratch(resources, backward.scratch_bytes(resources.executor.workers()),
                      "attention_varlen_backward",
                      [&](std::byte* scratch) { backward.run(resources.executor, scratch); });
}

Result<size_t> attention_varlen_backward_scratch_bytes(const PackedAttentionGradientTensors& tensors,
                                                       const AttentionOptions& options, int workers) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  ATTEND_RETURN_IF_ERROR(check_workers(workers));
  return PackedBackward(tensors, options).scratch_bytes(workers);
}

}  // namespace attend
