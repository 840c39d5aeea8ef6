#include "attention/forward.h"

#include <algorithm>

#include "attention/panel.h"
#include "base/arena.h"

namespace attend {
namespace {

/// Up to how many queries the row kernel is the faster one. It reads keys and values once for every four
/// queries and wastes nothing; a panel reads them once and costs the same for one query as for a vector full.
/// Measured for 81 keys and 32 and 64 features: they meet at half a vector, and with 16 lanes, where the row
/// kernel's sums over lanes are longest, at six.
int few_queries(Isa isa) {
  return std::min(lanes_of(isa) / 2, 5);
}

/// Whether bfloat16 numbers are multiplied as they are. The second pass of summaries computes scores as the
/// panels do: what has the maximum then weighs exactly 1 / sum.
bool multiplies_pairs(const Sizes& n, const RowForm& form, Isa isa, bool summaries) {
  return isa == Isa::kAvx512Bf16 && form.dtype == DType::kBFloat16 && !form.turned && n.D % 2 == 0 &&
         !summaries;
}

}  // namespace

ForwardPlan plan_forward(const Sizes& n, const RowForm& form, Isa isa, bool summaries) {
  if (isa == Isa::kScalar) {
    const size_t number = form.dtype == DType::kFloat64 ? sizeof(double) : sizeof(float);
    return {isa, nullptr, n.B * n.Hq, round_to_lines(static_cast<size_t>(n.Tk) * number), 0};
  }
  const bool few = n.Tq <= few_queries(isa) && !summaries;
  if (!few && multiplies_pairs(n, form, isa, summaries)) {
    const size_t bytes = forward_pairs_scratch(n, form, isa) * sizeof(float);
    return {isa, forward_pairs(isa), forward_panels_items(n, form), round_to_lines(bytes), 0};
  }
  size_t floats = few ? forward_rows_scratch(n, form) : forward_panels_scratch(n, form, isa), shared = 0;
  if (summaries) {
    floats = std::max(floats, weight_summaries_scratch(n, form));
    shared = static_cast<size_t>(n.B * n.Hq * n.Tq) * sizeof(RowEnd);
  }
  return {isa, few ? forward_rows(isa) : forward_panels(isa),
          few ? forward_rows_items(n) : forward_panels_items(n, form), round_to_lines(floats * sizeof(float)),
          shared};
}

std::string describe(const ForwardPlan& plan, const Sizes& n, const RowForm& form) {
  const std::string isa(name(plan.isa)), queries = std::to_string(n.Tq),
                                         lanes = std::to_string(lanes_of(plan.isa));
  const std::string items = std::to_string(plan.items) + " work items";
  if (plan.kernel == nullptr) {
    return "reference loops on " + isa +
           (form.dtype == DType::kFloat64 ? ", the only kernel for float64" : ", as pinned") + "; " + items;
  }
  const std::string tiles = "tiles of " + std::to_string(kTileKeys) + " keys; " + items;
  if (plan.kernel == forward_rows(plan.isa)) {
    return "rows on " + isa + ", because Tq is " + queries + ", at most " +
           std::to_string(few_queries(plan.isa)) + ": features in " + lanes + " lanes, " +
           std::to_string(kSharedRows) + " queries a pass, " + tiles;
  }
  const bool pairs = plan.kernel == forward_pairs(plan.isa);
  const std::string reason = n.Tq > few_queries(plan.isa)
                                 ? "Tq is " + queries + ", above " + std::to_string(few_queries(plan.isa))
                                 : "the weights are summed up after it";
  return "panels on " + isa + ", because " + reason +
         (pairs ? ": bfloat16 products two at a time, queries in " : ": queries in ") + lanes +
         " lanes, panels of up to " + std::to_string(kPanelVectors) + " vectors, blocks of " +
         std::to_string(form.block_queries()) + " queries, " + tiles;
}

}  // namespace attend
