// How much memory this process holds, as Linux counts it.
#ifndef ATTEND_BENCH_RESIDENT_MEMORY_H_
#define ATTEND_BENCH_RESIDENT_MEMORY_H_

#include <cstdint>

namespace attend::bench {

struct ResidentMemory {
  int64_t now = 0, peak = 0;  // bytes
};

/// The peak is that since the process began or forget_resident_peak(). Zeros where /proc is not as Linux has
/// it.
ResidentMemory resident_memory();

/// Makes what is held now the peak; false where the system does not let it.
bool forget_resident_peak();

}  // namespace attend::bench

#endif  // ATTEND_BENCH_RESIDENT_MEMORY_H_
