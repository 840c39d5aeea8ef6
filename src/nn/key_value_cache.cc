#include "nn/key_value_cache.h"

#include <algorithm>
#include <cassert>

namespace attend {

template <class T>
KeyValueCache<T>::KeyValueCache(int64_t sequences, int64_t capacity, int64_t width)
    : sequences_(sequences),
      capacity_(capacity),
      width_(width),
      keys_(static_cast<size_t>(sequences * capacity * width)),
      values_(keys_.size()),
      scratch_(keys_.size()) {}

// A parent may survive several times or not at all, so rows move through a second buffer.
template <class T>
void KeyValueCache<T>::reorder(std::span<const int32_t> parents) {
  assert(static_cast<int64_t>(parents.size()) * capacity_ * width_ <= static_cast<int64_t>(scratch_.size()));
  for (std::vector<T>* rows : {&keys_, &values_}) {
    for (size_t s = 0; s < parents.size(); ++s) {
      assert(parents[s] >= 0 && parents[s] < sequences_);
      const T* from = rows->data() + parents[s] * capacity_ * width_;
      std::copy_n(from, length_ * width_, scratch_.data() + static_cast<int64_t>(s) * capacity_ * width_);
    }
    rows->swap(scratch_);
  }
  sequences_ = static_cast<int64_t>(parents.size());
}

template class KeyValueCache<float>;
template class KeyValueCache<double>;

}  // namespace attend
