// The keys and values of words already said, so that each step of decoding computes one row.
#ifndef ATTEND_NN_KEY_VALUE_CACHE_H_
#define ATTEND_NN_KEY_VALUE_CACHE_H_

#include <cstdint>
#include <memory>
#include <span>

#include "base/matrix.h"

namespace attend {

/// Room for `sequences` sequences of up to `capacity` rows of `width`; all grow in step.
template <class T>
class KeyValueCache {
 public:
  KeyValueCache(int64_t sequences, int64_t capacity, int64_t width);

  int64_t sequences() const { return sequences_; }
  int64_t capacity() const { return capacity_; }
  int64_t length() const { return length_; }
  int64_t width() const { return width_; }

  /// Where the row at position length() of `sequence` is to be written, before advance().
  std::span<T> next_key(int64_t sequence) { return row(keys_, sequence, length_); }
  std::span<T> next_value(int64_t sequence) { return row(values_, sequence, length_); }
  /// Counts the rows just written. length() must be below capacity().
  void advance() { ++length_; }

  /// [sequences, capacity, width], of which the first length() rows of each sequence are valid.
  const T* keys() const { return keys_.get(); }
  const T* values() const { return values_.get(); }

  /// Sequence s continues what sequence parents[s] was: beams that survived. The number of sequences becomes
  /// parents.size(), which may not exceed the room.
  void reorder(std::span<const int32_t> parents);

 private:
  // Not initialised: a sentence is mostly shorter than there is room for.
  using Memory = std::unique_ptr<T[]>;

  std::span<T> row(Memory& rows, int64_t sequence, int64_t position) {
    return {rows.get() + (sequence * capacity_ + position) * width_, static_cast<size_t>(width_)};
  }
  int64_t sequences_, room_, capacity_, width_, length_ = 0;
  Memory keys_, values_, scratch_;
};

}  // namespace attend

#endif  // ATTEND_NN_KEY_VALUE_CACHE_H_
