// Asking for rows before they are needed.
#ifndef ATTEND_DECODE_PREFETCH_H_
#define ATTEND_DECODE_PREFETCH_H_

#include <algorithm>
#include <cstdint>

namespace attend {

/// The rows that are read next: the values of the tile whose scores are being computed, and the keys of the
/// tile after it. The machine's own prefetchers lose the thread at every page of a cache and whenever the
/// arithmetic falls behind; asking a tile ahead hides both.
template <class T>
struct RowsAhead {
  const T* const* rows = nullptr;
  int first = 0, end = 0;
  int64_t width = 0;

  /// Asks for rows [from, to) as far as they are wanted.
  [[gnu::always_inline]] inline void fetch(int from, int to) const {
    constexpr int64_t kLine = 64;
    for (int j = std::max(from, first); j < std::min(to, end); ++j) {
      const char* row = reinterpret_cast<const char*>(rows[j]);
      for (int64_t byte = 0; byte < width * static_cast<int64_t>(sizeof(T)); byte += kLine) {
        __builtin_prefetch(row + byte, 0, 3);
      }
    }
  }
};

}  // namespace attend

#endif  // ATTEND_DECODE_PREFETCH_H_
