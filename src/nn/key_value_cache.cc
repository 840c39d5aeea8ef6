#include "nn/key_value_cache.h"

#include <algorithm>
#include <cassert>

namespace attend {

template <class T>
KeyValueCache<T>::KeyValueCache(int64_t sequences, int64_t capacity, int64_t width)
    : sequences_(sequences), room_(sequences), capacity_(capacity), width_(width) {
  const auto numbers = static_cast<size_t>(sequences * capacity * width);
  for (Memory* memory : {&keys_, &values_, &scratch_}) *memory = std::make_unique_for_overwrite<T[]>(numbers);
}

// A parent may survive several times or not at all, so rows move through a second buffer.
template <class T>
void KeyValueCache<T>::reorder(std::span<const int32_t> parents) {
  assert(static_cast<int64_t>(parents.size()) <= room_);
  bool moved = false;
  for (size_t s = 0; s < parents.size(); ++s) {
    assert(parents[s] >= 0 && parents[s] < sequences_);
    moved = moved || parents[s] != static_cast<int32_t>(s);
  }
  sequences_ = static_cast<int64_t>(parents.size());
  if (!moved) return;
  for (Memory* rows : {&keys_, &values_}) {
    for (size_t s = 0; s < parents.size(); ++s) {
      const T* from = rows->get() + parents[s] * capacity_ * width_;
      std::copy_n(from, length_ * width_, scratch_.get() + static_cast<int64_t>(s) * capacity_ * width_);
    }
    rows->swap(scratch_);
  }
}

template class KeyValueCache<float>;
template class KeyValueCache<double>;

}  // namespace attend
