// A matrix of weights as a checkpoint stores it: numbers of 32, 16 or 8 bits, widened where they are used.
#ifndef ATTEND_NN_WEIGHT_MATRIX_H_
#define ATTEND_NN_WEIGHT_MATRIX_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "attend/executor.h"
#include "base/matrix.h"

namespace attend {

enum class WeightType { kFloat32, kFloat16, kBFloat16, kInt8 };

size_t weight_size(WeightType type);

/// [rows, cols], dense, row by row: row o makes output o of a linear layer, or is the vector of word o. A
/// cheap handle: copies and slices share the numbers, which lie in memory of its own or in a mapped file.
/// int8 numbers are multiples of their row's scale. Immutable, and safe to share between threads.
class WeightMatrix {
 public:
  WeightMatrix() = default;

  /// Numbers that lie elsewhere for as long as `keeper` or anybody else keeps them; aligned to their size.
  static WeightMatrix borrow(WeightType type, const std::byte* numbers, int64_t rows, int64_t cols,
                             std::shared_ptr<const void> keeper = nullptr);
  /// A copy of numbers that may lie at any address, given row by row or, kTransposed, column by column
  /// ([cols, rows]). Throws std::bad_alloc.
  enum class Order { kRows, kTransposed };
  static WeightMatrix copy(WeightType type, const std::byte* numbers, int64_t rows, int64_t cols, Order order,
                           Executor& executor);

  WeightType type() const { return type_; }
  int64_t rows() const { return rows_; }
  int64_t cols() const { return cols_; }
  int64_t size() const { return rows_ * cols_; }
  size_t bytes() const;

  /// Rows [first, first + count).
  WeightMatrix slice(int64_t first, int64_t count) const;

  /// The numbers in place, only of kFloat32.
  ConstMatrix<float> floats() const { return {reinterpret_cast<const float*>(numbers_), rows_, cols_}; }
  /// The first number of `row`, as it is stored.
  const std::byte* row(int64_t row) const {
    return numbers_ + static_cast<size_t>(row * cols_) * weight_size(type_);
  }
  /// One a row of kInt8, else null.
  const float* scales() const { return scales_; }

  /// Rows [first, first + count) as float32.
  void widen(int64_t first, int64_t count, float* to) const;

  /// The same matrix in another type: bfloat16 to nearest even; int8 with the scale max |w| / 127 of each
  /// row, so that no number is off by more than half of that. What becomes of rows that are not finite is
  /// not said. Throws std::bad_alloc.
  WeightMatrix rounded(WeightType type, Executor& executor) const;

 private:
  WeightType type_ = WeightType::kFloat32;
  int64_t rows_ = 0, cols_ = 0;
  const std::byte* numbers_ = nullptr;
  const float* scales_ = nullptr;
  std::shared_ptr<const void> keeper_;
};

}  // namespace attend

#endif  // ATTEND_NN_WEIGHT_MATRIX_H_
