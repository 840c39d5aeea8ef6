#include "read_bandwidth.h"

#include <atomic>
#include <cstdint>
#include <ctime>

namespace attend::bench {
namespace {

using Line = uint64_t __attribute__((vector_size(64)));

/// Four sums of whole cache lines: more loads in flight than memory can answer.
uint64_t sum_of_lines(const Line* lines, size_t count) {
  Line sum[4] = {};
  for (size_t i = 0; i + 4 <= count; i += 4) {
    for (size_t k = 0; k < 4; ++k) sum[k] ^= lines[i + k];
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
