#include "decode/page_pool.h"

namespace attend {

PagePool::PagePool(int64_t pages)
    : free_(static_cast<size_t>(pages)), holders_(static_cast<size_t>(pages), 0) {
  for (size_t i = 0; i < free_.size(); ++i) free_[i] = static_cast<int32_t>(free_.size() - 1 - i);
}

int32_t PagePool::take() {
  assert(!free_.empty());
  const int32_t page = free_.back();
  free_.pop_back();
  holders_[static_cast<size_t>(page)] = 1;
  return page;
}

void PagePool::release(int32_t page) {
  assert(holders(page) > 0);
  if (--holders_[static_cast<size_t>(page)] == 0) free_.push_back(page);
}

}  // namespace attend
