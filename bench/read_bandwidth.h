// How fast memory can be read, measured now: the yardstick of kernels that do little else.
#ifndef ATTEND_BENCH_READ_BANDWIDTH_H_
#define ATTEND_BENCH_READ_BANDWIDTH_H_

#include <cstddef>
#include <span>

#include "attend/executor.h"
#include "base/arena.h"

namespace attend::bench {

/// Now, for differences. With one worker it is the thread's own time that counts, which a busy machine
/// disturbs less.
double seconds_now(const Executor& executor);

/// Memory that is large enough for read_bandwidth(), and has been written to.
inline constexpr size_t kBandwidthMemory = size_t{512} << 20;
AlignedBytes bandwidth_memory();

/// Bytes a second at which all workers together read `memory` once from end to end, each its own part. The
/// memory should be several times the size of the last cache, and 64 bytes aligned.
double read_bandwidth(std::span<const std::byte> memory, Executor& executor);

}  // namespace attend::bench

#endif  // ATTEND_BENCH_READ_BANDWIDTH_H_
