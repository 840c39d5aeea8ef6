// A new order as a function of a key.
#ifndef ATTEND_TRAINING_SHUFFLE_H_
#define ATTEND_TRAINING_SHUFFLE_H_

#include <cstddef>
#include <span>
#include <utility>

#include "base/random.h"

namespace attend {

/// Fisher and Yates.
template <class Item>
void shuffle(std::span<Item> items, const RandomKey& key) {
  for (size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[key.below(i, i)]);
}

}  // namespace attend

#endif  // ATTEND_TRAINING_SHUFFLE_H_
