// A run of numbers: of keys, of queries, of heads.
#ifndef ATTEND_BASE_RANGE_H_
#define ATTEND_BASE_RANGE_H_

#include <algorithm>
#include <cstdint>

namespace attend {

/// [begin, end); empty where begin is not below end.
struct Range {
  int64_t begin = 0, end = 0;
  int64_t size() const { return end - begin; }
};

inline Range intersection(const Range& a, const Range& b) {
  const int64_t begin = std::max(a.begin, b.begin);
  return {begin, std::max(begin, std::min(a.end, b.end))};
}

}  // namespace attend

#endif  // ATTEND_BASE_RANGE_H_
