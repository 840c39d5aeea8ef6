// The seven numbers that name the size of an attention problem.
#ifndef ATTEND_ATTENTION_SIZES_H_
#define ATTEND_ATTENTION_SIZES_H_

#include <cstdint>

#include "attend/tensor.h"

namespace attend {

/// D and Dv at most: the widest row that there is.
inline constexpr int64_t kWidestRow = 1024;

struct Sizes {
  int64_t B, Hq, Hkv, Tq, Tk, D, Dv;

  /// How many query heads share one key/value head.
  int64_t group() const { return Hq / Hkv; }
};

inline Sizes sizes_of(const TensorView& query, const TensorView& key, const TensorView& value) {
  return {query.shape[0], query.shape[1], key.shape[1],  query.shape[2],
          key.shape[2],   query.shape[3], value.shape[3]};
}

}  // namespace attend

#endif  // ATTEND_ATTENTION_SIZES_H_
