// How a layer's loops are split over workers: in chunks whose bounds follow from the shape alone.
#ifndef ATTEND_NN_CHUNKS_H_
#define ATTEND_NN_CHUNKS_H_

#include <algorithm>
#include <cstdint>

#include "attend/executor.h"

namespace attend {

/// Numbers a task should touch: enough to pay for handing it out, few enough to balance.
inline constexpr int64_t kChunkElements = 16384;

/// Rows of `width` numbers that make one chunk; at least 1.
inline int64_t rows_per_chunk(int64_t width) {
  return std::max<int64_t>(1, kChunkElements / std::max<int64_t>(1, width));
}

/// Calls body(first, count) for consecutive ranges of `chunk` that cover [0, total).
template <class Body>
void for_each_chunk(Executor& executor, int64_t total, int64_t chunk, Body&& body) {
  executor.for_each((total + chunk - 1) / chunk, [&](int64_t task, int) {
    const int64_t first = task * chunk;
    body(first, std::min(chunk, total - first));
  });
}

}  // namespace attend

#endif  // ATTEND_NN_CHUNKS_H_
