// Dense row-major matrices, borrowed: what layers take and give. One row a token, a patch or an example.
#ifndef ATTEND_BASE_MATRIX_H_
#define ATTEND_BASE_MATRIX_H_

#include <cassert>
#include <cstdint>
#include <span>
#include <type_traits>

namespace attend {

/// A borrowed dense matrix [rows, cols]. T may be const.
template <class T>
struct Matrix {
  T* data = nullptr;
  int64_t rows = 0;
  int64_t cols = 0;

  Matrix() = default;
  Matrix(T* d, int64_t r, int64_t c) : data(d), rows(r), cols(c) {}

  int64_t size() const { return rows * cols; }
  bool present() const { return data != nullptr; }

  std::span<T> row(int64_t r) const {
    assert(r >= 0 && r < rows);
    return {data + r * cols, static_cast<size_t>(cols)};
  }
  /// Rows [first, first + count).
  Matrix slice(int64_t first, int64_t count) const {
    assert(first >= 0 && count >= 0 && first + count <= rows);
    return {data + first * cols, count, cols};
  }
  std::span<T> values() const { return {data, static_cast<size_t>(size())}; }

  operator Matrix<const T>() const  // NOLINT(google-explicit-constructor)
      requires(!std::is_const_v<T>) {
    return {data, rows, cols};
  }
};

template <class T>
using ConstMatrix = Matrix<const T>;

}  // namespace attend

#endif  // ATTEND_BASE_MATRIX_H_
