// What one thread can multiply and add at most, measured now: the yardstick of the benchmarks.
#ifndef ATTEND_BENCH_FMA_PEAK_H_
#define ATTEND_BENCH_FMA_PEAK_H_

#include "attend/isa.h"

namespace attend {

/// Floating-point operations a second of one thread in a loop of independent multiply-adds that never leaves
/// the registers, on `isa`, over some 20 ms. kScalar has no such loop: 0.
double fma_peak(Isa isa);

}  // namespace attend

#endif  // ATTEND_BENCH_FMA_PEAK_H_
