#include "attend/decode.h"

#include <algorithm>
#include <string>

#include "attention/scratch.h"
#include "base/arena.h"
#include "decode/decode_plan.h"
#include "decode/decode_validate.h"
#include "decode/partial_rows.h"
#include "decode/reference.h"

namespace attend {
namespace {

/// The scratch of a call: where each batch row's items begin, the partial results, and each worker's share.
class DecodeScratch {
 public:
  DecodeScratch(const DecodeProblem& p, const DecodePlan& plan, std::byte* memory)
      : plan_(plan),
        starts_(reinterpret_cast<int64_t*>(memory)),
        partials_(memory + starts_bytes(p.sizes.B)),
        workers_(partials_ + plan.partial_bytes),
        state_bytes_(static_cast<size_t>(p.pass_rows() * PartialRows::floats_a_row(p.sizes.Dv)) *
                     sizeof(float)) {}

  static size_t starts_bytes(int64_t B) {
    return round_to_lines(static_cast<size_t>(B + 1) * sizeof(int64_t));
  }
  static size_t bytes(const DecodeProblem& p, const DecodePlan& plan, int workers) {
    return starts_bytes(p.sizes.B) + plan.partial_bytes + static_cast<size_t>(workers) * plan.worker_bytes;
  }

  int64_t* starts() const { return starts_; }
  float* partial(int64_t item) const {
    return reinterpret_cast<float*>(partials_ + static_cast<size_t>(item) * state_bytes_);
  }
  float* of_worker(int worker) const {
    return reinterpret_cast<float*>(workers_ + static_cast<size_t>(worker) * plan_.worker_bytes);
  }

 private:
  const DecodePlan& plan_;
  int64_t* starts_;
  std::byte *partials_, *workers_;
  size_t state_bytes_;
};

void run_reference(const DecodeProblem& p, const DecodePlan& plan, Executor& executor,
                   const DecodeScratch& scratch) {
  executor.for_each(plan.items, [&](int64_t item, int worker) {
    reference_decode(p, item / p.sizes.Hq, item % p.sizes.Hq, scratch.of_worker(worker));
  });
}

/// Pass `index` of all passes of the call.
RowPass numbered_pass(const DecodeProblem& p, int64_t index) {
  // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): a call without passes has no index
  const int64_t passes = p.passes(), b = index / (p.sizes.Hkv * passes);
  return pass_of(p, DecodeMask(p.tensors, p.options, b), b, index / passes % p.sizes.Hkv, index % passes);
}

void run_split(const DecodeProblem& p, const DecodePlan& plan, const RowPass& pass, int64_t split,
               float* scratch, const PartialRows& state) {
  Range keys = {};
  if (pass.rows > 0) {
    keys = intersection(keys_of(p, DecodeMask(p.tensors, p.options, pass.b), pass),
                        {split * kDecodeSplit, (split + 1) * kDecodeSplit});
  }
  state.clear(pass.rows);
  if (keys.size() > 0) plan.kernel(p, pass, keys, scratch, state);
}

void finish(const DecodeProblem& p, const RowPass& pass, const PartialRows& state) {
  write_rows(p, pass, state);
  const int64_t rows = std::min<int64_t>(p.pass_rows(), p.rows() - pass.first_row);
  write_unseen_rows(p, pass, pass.rows, static_cast<int>(rows));
}

/// One item takes all splits of a pass.
void run_in_order(const DecodeProblem& p, const DecodePlan& plan, Executor& executor,
                  const DecodeScratch& scratch) {
  const int64_t state_floats = p.pass_rows() * PartialRows::floats_a_row(p.sizes.Dv);
  executor.for_each(plan.items, [&](int64_t item, int worker) {
    const RowPass pass = numbered_pass(p, item);
    float* memory = scratch.of_worker(worker);
    const PartialRows state(memory, p.sizes.Dv), next(memory + state_floats, p.sizes.Dv);
    const Range splits = splits_of(p, pass.b);
    state.clear(pass.rows);
    for (int64_t split = splits.begin; split < splits.end; ++split) {
      run_split(p, plan, pass, split, memory + 2 * state_floats, split == splits.begin ? state : next);
      if (split != splits.begin) state.join(next, pass.rows, p.sizes.Dv);
    }
    finish(p, pass, state);
  });
}

/// One item takes one split of a pass; the splits of a batch row are numbered from starts[b], those of a pass
/// one after the other.
void run_apart(const DecodeProblem& p, const DecodePlan& plan, Executor& executor,
               const DecodeScratch& scratch) {
  int64_t* starts = scratch.starts();
  const int64_t passes = p.sizes.Hkv * p.passes();
  starts[0] = 0;
  for (int64_t b = 0; b < p.sizes.B; ++b) starts[b + 1] = starts[b] + passes * splits_of(p, b).size();

  executor.for_each(plan.items, [&](int64_t item, int worker) {
    const int64_t b = std::upper_bound(starts, starts + p.sizes.B + 1, item) - starts - 1;
    const Range splits = splits_of(p, b);
    const int64_t within = item - starts[b];
    const RowPass pass = numbered_pass(p, b * passes + within / splits.size());
    run_split(p, plan, pass, splits.begin + within % splits.size(), scratch.of_worker(worker),
              PartialRows(scratch.partial(item), p.sizes.Dv));
  });

  executor.for_each(p.sizes.B * passes, [&](int64_t index, int) {
    const RowPass pass = numbered_pass(p, index);
    const int64_t splits = splits_of(p, pass.b).size(), first = starts[pass.b] + index % passes * splits;
    if (splits == 0)
      return finish(p, {pass.b, pass.kv_head, pass.first_row, 0}, PartialRows(nullptr, p.sizes.Dv));
    const PartialRows state(scratch.partial(first), p.sizes.Dv);
    for (int64_t s = 1; s < splits; ++s) {
      state.join(PartialRows(scratch.partial(first + s), p.sizes.Dv), pass.rows, p.sizes.Dv);
    }
    finish(p, pass, state);
  });
}

}  // namespace

Status attention_decode(const DecodeTensors& tensors, const DecodeOptions& options,
                        const AttentionResources& resources) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  const DecodeProblem problem(tensors, options);
  if (problem.sizes.B == 0 || problem.rows() == 0) return {};
  const DecodePlan plan = plan_decode(problem);
  const size_t bytes = DecodeScratch::bytes(problem, plan, resources.executor.workers());
  return with_scratch(resources, bytes, "attention_decode", [&](std::byte* memory) {
    const DecodeScratch scratch(problem, plan, memory);
    const auto run = plan.kernel == nullptr ? run_reference : plan.splits_apart ? run_apart : run_in_order;
    run(problem, plan, resources.executor, scratch);
  });
}

Result<size_t> attention_decode_scratch_bytes(const DecodeTensors& tensors, const DecodeOptions& options,
                                              int workers) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  ATTEND_RETURN_IF_ERROR(check_workers(workers));
  const DecodeProblem problem(tensors, options);
  if (problem.sizes.B == 0 || problem.rows() == 0) return size_t{0};
  return DecodeScratch::bytes(problem, plan_decode(problem), workers);
}

Result<std::string> explain_decode(const DecodeTensors& tensors, const DecodeOptions& options) {
  ATTEND_RETURN_IF_ERROR(validate(tensors, options));
  const DecodeProblem problem(tensors, options);
  if (problem.sizes.B == 0 || problem.rows() == 0) return std::string("nothing to do: no query");
  return describe(plan_decode(problem), problem);
}

}  // namespace attend
