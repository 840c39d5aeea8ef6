// Which instruction sets this machine runs, and which one a call runs on.
#ifndef ATTEND_ATTENTION_DISPATCH_H_
#define ATTEND_ATTENTION_DISPATCH_H_

#include "attend/attention.h"
#include "attend/isa.h"

namespace attend {

/// Whether `isa` is one of isas().
bool runs_here(Isa isa);

/// The instruction set of a call on operands of `dtype`: the pinned one, else the fastest; float64 has only
/// the reference.
Isa chosen_isa(DType dtype, const AttentionOptions& options);

}  // namespace attend

#endif  // ATTEND_ATTENTION_DISPATCH_H_
