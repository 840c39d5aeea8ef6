#include "base/arena.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace attend {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kSmallestBlock = size_t{1} << 20;

/// Asks for pages of 2 MB where they fit: the machine's own prefetchers end at every page, and small ones
/// cost a third of the bandwidth of reading a large cache. Where the system has none to give, nothing
/// changes.
void advise_huge_pages([[maybe_unused]] std::byte* memory, [[maybe_unused]] size_t bytes) {
#ifdef __linux__
  constexpr uintptr_t kPage = 4096;
  constexpr size_t kWorthIt = size_t{4} << 20;
  if (bytes < kWorthIt) return;
  const uintptr_t begin = (reinterpret_cast<uintptr_t>(memory) + kPage - 1) / kPage * kPage,
                  end = (reinterpret_cast<uintptr_t>(memory) + bytes) / kPage * kPage;
  (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

}  // namespace

void AlignedDelete::operator()(std::byte* p) const {
  std::free(p);
}

AlignedBytes allocate_aligned(size_t bytes) {
  bytes = std::max<size_t>(round_to_lines(bytes), 64);
  // Not operator new: where memory is short that calls the process's new handler, which belongs to others and
  // may throw what nobody here knows. (A library that libvips loads sets one.)
  AlignedBytes memory(static_cast<std::byte*>(std::aligned_alloc(kAlignment, bytes)));
  if (memory == nullptr) throw std::bad_alloc();
  advise_huge_pages(memory.get(), bytes);
  return memory;
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
