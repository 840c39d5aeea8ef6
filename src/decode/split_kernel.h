// The kernels that read the cache, as functions that can be picked for an instruction set and a storage type.
#ifndef ATTEND_DECODE_SPLIT_KERNEL_H_
#define ATTEND_DECODE_SPLIT_KERNEL_H_

#include <cstddef>

#include "attend/isa.h"
#include "decode/partial_rows.h"
#include "decode/problem.h"

namespace attend {

/// Attention of the rows of a pass over `keys`, which lie in one split. `scratch` is aligned to 64 bytes and
/// is this call's alone; `state` is overwritten.
using SplitKernel = void (*)(const DecodeProblem& problem, const RowPass& pass, const Range& keys,
                             float* scratch, const PartialRows& state);

/// Null for kScalar.
SplitKernel split_kernel(Isa isa, DType stored);
size_t split_kernel_scratch(const DecodeProblem& problem);  // in floats

}  // namespace attend

#endif  // ATTEND_DECODE_SPLIT_KERNEL_H_
