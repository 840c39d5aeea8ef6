// How far float32 arithmetic, in any order, can be from exact in decoding; see attention/rounding_bound.h.
#ifndef ATTEND_TESTS_DECODE_DECODE_BOUND_H_
#define ATTEND_TESTS_DECODE_DECODE_BOUND_H_

#include "decode/cache_case.h"

namespace attend {

/// A bound for each number of the answer, with the rounding of an output of 16 bits.
DecodeAnswer decode_bound(const CacheCase& problem, const DecodeOptions& options, const DecodeAnswer& exact);

}  // namespace attend

#endif  // ATTEND_TESTS_DECODE_DECODE_BOUND_H_
