// Which keys the queries of a sequence see: always a range.
#ifndef ATTEND_DECODE_DECODE_MASK_H_
#define ATTEND_DECODE_DECODE_MASK_H_

#include <algorithm>
#include <cstdint>

#include "attend/decode.h"

namespace attend {

struct KeyRange {
  int64_t first = 0, end = 0;
  int64_t size() const { return end - first; }
};

inline KeyRange intersection(const KeyRange& a, const KeyRange& b) {
  const int64_t first = std::max(a.first, b.first);
  return {first, std::max(first, std::min(a.end, b.end))};
}

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
  KeyRange keys(int64_t i) const {
    const int64_t end = right_ < 0 ? length_ : std::clamp<int64_t>(position(i) + right_ + 1, 0, length_);
    return {left_ < 0 ? 0 : std::clamp<int64_t>(position(i) - left_, 0, end), end};
  }

  /// The keys that any query of [first, first + count) sees, and perhaps some between them; count >= 1.
  KeyRange keys(int64_t first, int64_t count) const {
    return {keys(first).first, keys(first + count - 1).end};
  }

 private:
  int64_t length_, queries_, offset_;
  int64_t left_, right_;   // keys before and after a query's position; -1: all
  const int64_t* places_;  // for rope; null: the positions
};

}  // namespace attend

#endif  // ATTEND_DECODE_DECODE_MASK_H_
