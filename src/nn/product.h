// The operands of a matrix product.
#ifndef ATTEND_NN_PRODUCT_H_
#define ATTEND_NN_PRODUCT_H_

#include <cstdint>

#include "base/matrix.h"

namespace attend {

enum class Transpose { kNo, kYes };
enum class Accumulate { kNo, kYes };

/// c = op(a) op(b), or c += op(a) op(b). Shapes after op: a [m, k], b [k, n], c [m, n].
template <class T>
struct Product {
  ConstMatrix<T> a;
  Transpose transpose_a;
  ConstMatrix<T> b;
  Transpose transpose_b;
  Accumulate accumulate;
  Matrix<T> c;

  /// k: what is summed over.
  int64_t inner() const { return transpose_a == Transpose::kYes ? a.rows : a.cols; }
  /// Row i of op(a) begins here; its elements lie step_a() apart.
  const T* row_of_a(int64_t i) const { return a.data + (transpose_a == Transpose::kYes ? i : i * a.cols); }
  int64_t step_a() const { return transpose_a == Transpose::kYes ? a.cols : 1; }
  /// Column j of op(b) begins here; its elements lie step_b() apart.
  const T* column_of_b(int64_t j) const { return b.data + (transpose_b == Transpose::kYes ? j * b.cols : j); }
  int64_t step_b() const { return transpose_b == Transpose::kYes ? 1 : b.cols; }
};

}  // namespace attend

#endif  // ATTEND_NN_PRODUCT_H_
