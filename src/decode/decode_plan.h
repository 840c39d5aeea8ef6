// Which kernel runs, and how the work and the scratch are cut.
#ifndef ATTEND_DECODE_DECODE_PLAN_H_
#define ATTEND_DECODE_DECODE_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "decode/problem.h"
#include "decode/split_kernel.h"

namespace attend {

/// Splits are either items of their own, whose partial results wait in scratch to be joined; or one item
/// takes all splits of a pass in order, when there is one split alone or when the partial results would be
/// too large. The same states are joined in the same order either way.
struct DecodePlan {
  Isa isa;
  SplitKernel kernel;  // null: the reference loops
  bool splits_apart;
  int64_t items;         // of the kernel
  size_t worker_bytes;   // scratch of a worker
  size_t partial_bytes;  // scratch for partial results, one block of pass_rows() rows an item
};

DecodePlan plan_decode(const DecodeProblem& problem);

/// The splits, as numbers of splits on the key axis, that the queries of batch row b see; {0, 0} for none.
Range splits_of(const DecodeProblem& problem, int64_t b);

/// The plan in words.
std::string describe(const DecodePlan& plan, const DecodeProblem& problem);

}  // namespace attend

#endif  // ATTEND_DECODE_DECODE_PLAN_H_
