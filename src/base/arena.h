// Memory for the activations of one forward and backward pass: handed out in order, taken back all at once.
#ifndef ATTEND_BASE_ARENA_H_
#define ATTEND_BASE_ARENA_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/matrix.h"

namespace attend {

/// The next multiple of 64, which is a cache line and the widest vector.
constexpr size_t round_to_lines(size_t bytes) {
  return (bytes + 63) / 64 * 64;
}

/// 64-byte aligned memory that frees itself. The contents are uninitialised. Throws std::bad_alloc.
struct AlignedDelete {
  void operator()(std::byte* p) const;
};
using AlignedBytes = std::unique_ptr<std::byte[], AlignedDelete>;
AlignedBytes allocate_aligned(size_t bytes);

/// A bump allocator. Every pointer stays valid until reset() or until a Mark taken before it is released;
/// after a first pass of its largest size an arena allocates nothing more. Not safe for use from several
/// threads.
class Arena {
 public:
  /// An uninitialised array of `count` elements, aligned to 64 bytes.
  template <class T>
  std::span<T> array(int64_t count) {
    return {reinterpret_cast<T*>(take(static_cast<size_t>(count) * sizeof(T))), static_cast<size_t>(count)};
  }
  /// An uninitialised matrix [rows, cols].
  template <class T>
  Matrix<T> matrix(int64_t rows, int64_t cols) {
    return {array<T>(rows * cols).data(), rows, cols};
  }
  /// A matrix of zeros.
  template <class T>
  Matrix<T> zeros(int64_t rows, int64_t cols) {
    Matrix<T> m = matrix<T>(rows, cols);
    if (m.size() > 0) std::memset(static_cast<void*>(m.data), 0, static_cast<size_t>(m.size()) * sizeof(T));
    return m;
  }

  /// Takes everything back; keeps the memory, joined into one block, for the next pass.
  void reset();

  /// Takes back, when it goes out of scope, all that was handed out since it was made.
  class Mark {
   public:
    explicit Mark(Arena& arena) : arena_(arena), block_(arena.block_), used_(arena.used_) {}
    ~Mark() {
      arena_.block_ = block_;
      arena_.used_ = used_;
    }
    Mark(const Mark&) = delete;
    Mark& operator=(const Mark&) = delete;

   private:
    Arena& arena_;
    size_t block_, used_;
  };

  size_t capacity() const;

 private:
  struct Block {
    AlignedBytes memory;
    size_t size;
  };
  std::byte* take(size_t bytes);

  std::vector<Block> blocks_;
  size_t block_ = 0;  // the block in use
  size_t used_ = 0;   // bytes taken from it
};

}  // namespace attend

#endif  // ATTEND_BASE_ARENA_H_
