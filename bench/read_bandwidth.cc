#include "read_bandwidth.h"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <ctime>

namespace attend::bench {
namespace {

using Line = uint64_t __attribute__((vector_size(64)));

/// What is read side by side: prefetchers follow several streams faster than one.
constexpr size_t kStreams = 4;

/// A sum for each stream, whole cache lines at a time, asked for before they are needed: as fast as a core
/// reads memory.
uint64_t sum_of_lines(const Line* lines, size_t count) {
  constexpr size_t kAhead = 8;  // lines
  Line sum[kStreams] = {};
  const size_t length = count / kStreams;
  for (size_t i = 0; i < length; ++i) {
    for (size_t k = 0; k < kStreams; ++k) {
      const Line* line = lines + k * length + i;
      __builtin_prefetch(line + kAhead);
      sum[k] ^= *line;
    }
  }
  const Line all = sum[0] ^ sum[1] ^ sum[2] ^ sum[3];
  return all[0] ^ all[1] ^ all[2] ^ all[3] ^ all[4] ^ all[5] ^ all[6] ^ all[7];
}

}  // namespace

double seconds_now(const Executor& executor) {
  timespec now{};
  clock_gettime(executor.workers() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

AlignedBytes bandwidth_memory() {
  AlignedBytes memory = allocate_aligned(kBandwidthMemory);
  std::memset(memory.get(), 1, kBandwidthMemory);
  return memory;
}

double read_bandwidth(std::span<const std::byte> memory, Executor& executor) {
  constexpr size_t kPart = 4096;  // lines
  const auto* lines = reinterpret_cast<const Line*>(memory.data());
  const size_t parts = memory.size() / sizeof(Line) / kPart;
  std::atomic<uint64_t> sink = 0;  // atomics are not optimised away
  const double start = seconds_now(executor);
  executor.for_each(static_cast<int64_t>(parts), [&](int64_t part, int) {
    sink ^= sum_of_lines(lines + static_cast<size_t>(part) * kPart, kPart);
  });
  const double elapsed = seconds_now(executor) - start;
  return static_cast<double>(parts * kPart * sizeof(Line)) / elapsed;
}

}  // namespace attend::bench
