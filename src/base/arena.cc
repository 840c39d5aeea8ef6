#include "base/arena.h"

#include <algorithm>
#include <new>

namespace attend {
namespace {

constexpr std::align_val_t kAlignment{64};
constexpr size_t kSmallestBlock = size_t{1} << 20;

}  // namespace

void AlignedDelete::operator()(std::byte* p) const {
  ::operator delete[](p, kAlignment);
}

AlignedBytes allocate_aligned(size_t bytes) {
  return AlignedBytes(
      static_cast<std::byte*>(::operator new[](std::max<size_t>(round_to_lines(bytes), 64), kAlignment)));
}

std::byte* Arena::take(size_t bytes) {
  bytes = round_to_lines(bytes);
  while (block_ < blocks_.size() && used_ + bytes > blocks_[block_].size) {
    ++block_;
    used_ = 0;
  }
  if (block_ == blocks_.size()) {
    const size_t size = std::max({bytes, kSmallestBlock, capacity()});  // doubling
    blocks_.push_back({allocate_aligned(size), size});
    used_ = 0;
  }
  std::byte* p = blocks_[block_].memory.get() + used_;
  used_ += bytes;
  return p;
}

void Arena::reset() {
  if (blocks_.size() > 1) {
    const size_t total = capacity();
    blocks_.clear();
    blocks_.push_back({allocate_aligned(total), total});
  }
  block_ = used_ = 0;
}

size_t Arena::capacity() const {
  size_t total = 0;
  for (const Block& block : blocks_) total += block.size;
  return total;
}

}  // namespace attend
