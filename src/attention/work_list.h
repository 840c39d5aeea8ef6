// The work of several problems as one list.
#ifndef ATTEND_ATTENTION_WORK_LIST_H_
#define ATTEND_ATTENTION_WORK_LIST_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>

#include "base/arena.h"

namespace attend {

/// Work items of problems 0, 1, ..., some of each. Executors hand out low numbers first, so the problems with
/// the longest items stand first: no long one is begun when all others are done.
class WorkList {
 public:
  struct Item {
    int64_t problem, index;  // which item of which problem
  };

  /// Bytes of memory that a list takes, a multiple of 64.
  static size_t bytes(int64_t problems) {
    return round_to_lines(static_cast<size_t>(2 * problems + 1) * sizeof(int64_t));
  }

  /// `before(p, q)` says which of two problems stands first; `items(p)` how many items one has. `memory`
  /// holds bytes(), is borrowed, and aligned to 64.
  template <class Before, class Items>
  WorkList(int64_t problems, std::byte* memory, const Before& before, const Items& items)
      : problems_(problems), order_(reinterpret_cast<int64_t*>(memory)), starts_(order_ + problems) {
    std::iota(order_, starts_, int64_t{0});
    std::sort(order_, starts_, before);
    starts_[0] = 0;
    for (int64_t place = 0; place < problems; ++place) {
      starts_[place + 1] = starts_[place] + items(order_[place]);
    }
  }

  /// The problem at a place in the order.
  int64_t problem(int64_t place) const { return order_[place]; }
  /// Items of the problems at the first `places` places; they have the numbers below that.
  int64_t size(int64_t places) const { return starts_[places]; }
  int64_t size() const { return starts_[problems_]; }

  Item item(int64_t number) const {
    const int64_t place = std::upper_bound(starts_, starts_ + problems_ + 1, number) - starts_ - 1;
    return {order_[place], number - starts_[place]};
  }

 private:
  int64_t problems_;
  int64_t* order_;
  int64_t* starts_;  // the number of the first item at each place, and after the last
};

}  // namespace attend

#endif  // ATTEND_ATTENTION_WORK_LIST_H_
