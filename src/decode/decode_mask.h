// Which keys the queries of a sequence see: always a range.
#ifndef ATTEND_DECODE_DECODE_MASK_H_
#define ATTEND_DECODE_DECODE_MASK_H_

#include <algorithm>
#include <cstdint>

#include "attend/decode.h"
#include "attention/mask.h"
#include "base/range.h"

namespace attend {

/// The queries of one batch row beside the keys of its sequence.
class DecodeMask {
 public:
  DecodeMask(const DecodeTensors& tensors, const DecodeOptions& options, int64_t b);

  int64_t queries() const { return queries_; }

  /// Where on the key axis query i stands.
  int64_t position(int64_t i) const { return i + offset_; }

  /// Where query i stands for rope.
  int64_t rope_position(int64_t i) const { return places_ != nullptr ? places_[i] : position(i); }

  /// The keys that query i sees.
  Range keys(int64_t i) const {
    const int64_t end = mask_.key_end(i);
    return {std::min(mask_.key_begin(i), end), end};
  }

  /// The keys that any query of [first, first + count) sees, and perhaps some between them; count >= 1.
  Range keys(int64_t first, int64_t count) const { return {keys(first).begin, keys(first + count - 1).end}; }

 private:
  int64_t queries_, offset_;
  HeadMask mask_;
  const int64_t* places_;  // for rope; null: the positions
};

}  // namespace attend

#endif  // ATTEND_DECODE_DECODE_MASK_H_
