// The seven numbers that name the size of an attention problem.
#ifndef ATTEND_ATTENTION_SIZES_H_
#define ATTEND_ATTENTION_SIZES_H_

#include <algorithm>
#include <cstdint>

#include "attend/tensor.h"

namespace attend {

/// D and Dv at most: the widest row that there is.
inline constexpr int64_t kWidestRow = 1024;
/// Of every other axis: more than any memory holds, but strides of 0 describe such tensors.
inline constexpr int64_t kLongestAxis = int64_t{1} << 48;

struct Sizes {
  int64_t B, Hq, Hkv, Tq, Tk, D, Dv;

  /// How many query heads share one key/value head.
  int64_t group() const { return Hq / Hkv; }
};

inline Sizes sizes_of(const TensorView& query, const TensorView& key, const TensorView& value) {
  return {query.shape[0], query.shape[1], key.shape[1],  query.shape[2],
          key.shape[2],   query.shape[3], value.shape[3]};
}

inline bool has_elements(const Shape& shape) {
  return std::all_of(shape.begin(), shape.end(), [](int64_t n) { return n > 0; });
}

/// The same problem without what has no elements: heads without rows, rows without heads and batch rows
/// without either are none, however many there are.
inline Sizes without_empty(Sizes n) {
  if (n.B == 0 || n.Hq == 0 || n.Tq == 0) n.Hq = n.Tq = 0;
  if (n.B == 0 || n.Hkv == 0 || (n.Hq == 0 && n.Tk == 0)) n.B = n.Hkv = n.Tk = 0;
  return n;
}

}  // namespace attend

#endif  // ATTEND_ATTENTION_SIZES_H_
