#include "attention/forward.h"

#include <algorithm>

#include "attention/panel.h"
#include "base/arena.h"

namespace attend {
namespace {

/// Whether bfloat16 numbers are multiplied as they are. The second pass of summaries computes scores as the
/// panels do: what has the maximum then weighs exactly 1 / sum.
bool multiplies_pairs(const Sizes& n, const RowForm& form, Isa isa, bool summaries) {
  return isa == Isa::kAvx512Bf16 && form.dtype == DType::kBFloat16 && !form.turned && n.D % 2 == 0 &&
         !summaries;
}

}  // namespace

int few_queries(Isa isa) {
  return std::min(lanes_of(isa) / 2, 5);
}

ForwardPlan plan_forward(const Sizes& n, const RowForm& form, Isa isa, bool summaries) {
  if (isa == Isa::kScalar) {
    const size_t number = form.dtype == DType::kFloat64 ? sizeof(double) : sizeof(float);
    const size_t bytes = round_to_lines(static_cast<size_t>(n.Tk) * number);
    return {isa, ForwardForm::kReference, nullptr, n.B * n.Hq, bytes, 0};
  }
  const bool few = n.Tq <= few_queries(isa) && !summaries;
  if (!few && multiplies_pairs(n, form, isa, summaries)) {
    const size_t bytes = round_to_lines(forward_pairs_scratch(n, form, isa) * sizeof(float));
    return {isa, ForwardForm::kPairs, forward_pairs(isa), forward_panels_items(n, form), bytes, 0};
  }
  size_t floats = few ? forward_rows_scratch(n, form) : forward_panels_scratch(n, form, isa), shared = 0;
  if (summaries) {
    floats = std::max(floats, weight_summaries_scratch(n, form));
    shared = static_cast<size_t>(n.B * n.Hq * n.Tq) * sizeof(RowEnd);
  }
  const size_t bytes = round_to_lines(floats * sizeof(float));
  if (few) return {isa, ForwardForm::kRows, forward_rows(isa), forward_rows_items(n), bytes, shared};
  return {isa, ForwardForm::kPanels, forward_panels(isa), forward_panels_items(n, form), bytes, shared};
}

}  // namespace attend
