#include "decode/decode_plan.h"

#include <algorithm>

#include "attend/isa.h"
#include "attention/dispatch.h"
#include "attention/dtypes.h"
#include "attention/kernels.h"
#include "base/arena.h"
#include "decode/reference.h"

namespace attend {
namespace {

constexpr int64_t kMostPartialBytes = int64_t{64} << 20;

/// "1 work item", "2 work items"
std::string counted(int64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

DecodePlan plan_reference(const DecodeProblem& p) {
  return {Isa::kScalar,
          nullptr,
          false,
          p.sizes.B * p.sizes.Hq,
          round_to_lines(reference_scratch(p) * sizeof(float)),
          0};
}

}  // namespace

Range splits_of(const DecodeProblem& p, int64_t b) {
  const DecodeMask mask(p.tensors, p.options, b);
  if (mask.queries() == 0) return {};
  const Range keys = mask.keys(0, mask.queries());
  if (keys.size() <= 0) return {};
  return {keys.begin / kDecodeSplit, (keys.end + kDecodeSplit - 1) / kDecodeSplit};
}

DecodePlan plan_decode(const DecodeProblem& p) {
  const Isa isa = chosen_isa(p.options.isa, p.options.scale, p.options.softcap);
  if (isa == Isa::kScalar) return plan_reference(p);
  const int64_t passes = p.sizes.Hkv * p.passes();
  int64_t most = 0, all = 0;  // splits
  for (int64_t b = 0; b < p.sizes.B; ++b) {
    const int64_t splits = splits_of(p, b).size();
    most = std::max(most, splits);
    all += splits;
  }
  const int64_t state =
      p.pass_rows() * PartialRows::floats_a_row(p.sizes.Dv) * static_cast<int64_t>(sizeof(float));
  const bool apart = most > 1 && state > 0 && all * passes <= kMostPartialBytes / state;
  const size_t kernel_bytes = round_to_lines(split_kernel_scratch(p) * sizeof(float)),
               state_bytes = static_cast<size_t>(state);
  return {isa,
          split_kernel(isa, p.tensors.cache.key.dtype),
          apart,
          (apart ? all : p.sizes.B) * passes,
          kernel_bytes + (apart ? 0 : 2 * state_bytes),
          apart ? static_cast<size_t>(all * passes) * state_bytes : 0};
}

std::string describe(const DecodePlan& plan, const DecodeProblem& p) {
  const std::string isa(name(plan.isa)), stored = name_of(p.tensors.cache.key.dtype);
  if (plan.kernel == nullptr) {
    return "reference loops on " + isa + " over " + stored + ", as pinned; " +
           counted(plan.items, "work item");
  }
  const bool widened = p.tensors.cache.key.dtype != DType::kFloat32;
  std::string text = "decode on " + isa + ": " + stored + " keys and values" +
                     (widened ? " widened in registers, features in " : ", features in ") +
                     std::to_string(lanes_of(plan.isa)) + " lanes; " + counted(p.pass_rows(), "query row") +
                     " a pass (" + counted(p.sizes.group(), "head") + " a group, Tq " +
                     std::to_string(p.sizes.Tq) + ", at most " + std::to_string(kPassRows) + "); ";
  text += "splits of " + std::to_string(kDecodeSplit) + " keys " +
          (plan.splits_apart ? "apart, joined in order" : "in order within a work item") + "; " +
          counted(plan.items, "work item");
  return text;
}

}  // namespace attend
