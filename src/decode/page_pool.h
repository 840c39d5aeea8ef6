// Which pages of a cache are free, and how many sequences hold each of the others.
#ifndef ATTEND_DECODE_PAGE_POOL_H_
#define ATTEND_DECODE_PAGE_POOL_H_

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace attend {

class PagePool {
 public:
  explicit PagePool(int64_t pages);

  int64_t free() const { return static_cast<int64_t>(free_.size()); }
  int32_t holders(int32_t page) const { return holders_[static_cast<size_t>(page)]; }

  /// A free page, now held once. There must be one.
  int32_t take();
  /// One more sequence holds the page.
  void hold(int32_t page) { ++holders_[static_cast<size_t>(page)]; }
  /// One sequence fewer; the last one frees it.
  void release(int32_t page);

 private:
  std::vector<int32_t> free_;  // a stack; the lowest numbers come first
  std::vector<int32_t> holders_;
};

}  // namespace attend

#endif  // ATTEND_DECODE_PAGE_POOL_H_
