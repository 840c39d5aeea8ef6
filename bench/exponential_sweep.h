// The kernels' power of two at every float32.
#ifndef ATTEND_BENCH_EXPONENTIAL_SWEEP_H_
#define ATTEND_BENCH_EXPONENTIAL_SWEEP_H_

#include <cstdint>
#include <vector>

#include "attend/executor.h"
#include "attend/isa.h"

namespace attend {

struct ExponentialError {
  Isa isa;
  int64_t inputs = 0;    // in [-126, 127], whose power of two is a normal number
  double relative = 0;   // the largest error there, against the C library's double
  float at = 0;          // where that is
  int64_t others = 0;    // below -126, whose power is to be 0, and NaN
  int64_t mistakes = 0;  // of those
};

/// For each of isas() but kScalar, which has no exponential of its own.
std::vector<ExponentialError> sweep_exponential(Executor& executor);

}  // namespace attend

#endif  // ATTEND_BENCH_EXPONENTIAL_SWEEP_H_
