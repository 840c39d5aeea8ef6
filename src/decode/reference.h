// Decoding in plain float32 loops, straight from the formulas of decode.h: the definition, and what runs on
// kScalar.
#ifndef ATTEND_DECODE_REFERENCE_H_
#define ATTEND_DECODE_REFERENCE_H_

#include <cstddef>

#include "decode/problem.h"

namespace attend {

/// All queries of batch row b and query head h.
void reference_decode(const DecodeProblem& problem, int64_t b, int64_t h, float* scratch);
size_t reference_scratch(const DecodeProblem& problem);  // in floats

}  // namespace attend

#endif  // ATTEND_DECODE_REFERENCE_H_
