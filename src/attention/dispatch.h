// Which instruction sets this machine runs, and which one a call runs on.
#ifndef ATTEND_ATTENTION_DISPATCH_H_
#define ATTEND_ATTENTION_DISPATCH_H_

#include <optional>

#include "attend/attention.h"
#include "attend/isa.h"

namespace attend {

/// Whether `isa` is one of isas().
bool runs_here(Isa isa);

/// Whether vector kernels can: they multiply the queries, once, by all that products are multiplied by, and
/// when scale and softcap lie extremely far apart no float32 holds that factor.
bool vectors_hold(std::optional<float> scale, float softcap);

/// The instruction set of a call: the pinned one, else the fastest. Only the reference computes what vectors
/// do not hold, and float64.
Isa chosen_isa(std::optional<Isa> pinned, std::optional<float> scale, float softcap);
Isa chosen_isa(DType dtype, const AttentionOptions& options);

}  // namespace attend

#endif  // ATTEND_ATTENTION_DISPATCH_H_
