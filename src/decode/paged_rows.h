// The rows of one head of one sequence, wherever its pages lie.
#ifndef ATTEND_DECODE_PAGED_ROWS_H_
#define ATTEND_DECODE_PAGED_ROWS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "attend/kv_cache.h"
#include "decode/float_rows.h"

namespace attend {

class PagedRows {
 public:
  /// `pages` is one of the four tensors of `cache`, whose block table it borrows.
  PagedRows(const TensorView& pages, const KvView& cache, int64_t sequence, int64_t head)
      : first_(row_of(pages, 0, head, 0)),
        page_stride_(pages.stride[0] * static_cast<int64_t>(size_of(pages.dtype))),
        step_(pages.stride[2] * static_cast<int64_t>(size_of(pages.dtype))),
        page_size_(cache.key.shape[2]),
        table_(cache.block_table.empty() ? nullptr
                                         : cache.block_table.data() + sequence * cache.pages_per_sequence),
        only_page_(sequence) {}

  const std::byte* row(int64_t t) const {
    return first_ + page(t / page_size_) * page_stride_ + t % page_size_ * step_;
  }

  /// rows[i] = row(first + i) for i < count, with one look at the block table for each page.
  template <class T>
  void gather(int64_t first, int64_t count, const T** rows) const {
    for_each_run(first, count, [&](int64_t i, const std::byte* p, int64_t length) {
      for (int64_t k = 0; k < length; ++k) rows[i + k] = reinterpret_cast<const T*>(p + k * step_);
    });
  }

  /// numbers[i] = *row(first + i) for i < count: rows of one number.
  void copy(int64_t first, int64_t count, float* numbers) const {
    for_each_run(first, count, [&](int64_t i, const std::byte* p, int64_t length) {
      const auto* from = reinterpret_cast<const float*>(p);
      const int64_t step = step_ / static_cast<int64_t>(sizeof(float));
      if (step == 1) {
        std::copy_n(from, length, numbers + i);
      } else {
        for (int64_t k = 0; k < length; ++k) numbers[i + k] = from[k * step];
      }
    });
  }

 private:
  /// Calls body(i, row(first + i), length) for each run of rows that lie in one page.
  template <class Body>
  void for_each_run(int64_t first, int64_t count, const Body& body) const {
    for (int64_t i = 0; i < count;) {
      const int64_t length = std::min(count - i, page_size_ - (first + i) % page_size_);
      body(i, row(first + i), length);
      i += length;
    }
  }

  int64_t page(int64_t index) const { return table_ != nullptr ? table_[index] : only_page_; }

  const std::byte* first_;      // token 0 of page 0
  int64_t page_stride_, step_;  // in bytes
  int64_t page_size_;
  const int32_t* table_;  // null: the only page is that of the sequence's number
  int64_t only_page_;
};

}  // namespace attend

#endif  // ATTEND_DECODE_PAGED_ROWS_H_
