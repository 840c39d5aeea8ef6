#include "nn/gemm.h"

#include <dnnl.h>

#include <algorithm>
#include <cassert>
#include <type_traits>

#include "nn/bfloat16_gemm.h"
#include "nn/chunks.h"
#include "nn/product.h"
#include "nn/row_kernels.h"
#include "nn/undisturbed.h"

namespace attend {
namespace {

// Multiplications below which rounding the operands costs more than it saves.
constexpr int64_t kWorthRounding = int64_t{1} << 24;

// What one task computes of c: large enough that sgemm, which copies the other operand into panels again for
// every block, spends little on that; small enough to share out.
constexpr int64_t kBlockRows = 192, kBlockCols = 1024;

// Of a product with few blocks they are cut narrower, as far as a task still has multiplications enough to
// pay for handing it out.
constexpr int64_t kNarrowestCols = 64, kWorthATask = int64_t{1} << 20;

// A product with fewer blocks than this, of sums with more terms than that: the gradient of a small weight.
// Its sums are cut as well, so that there is something to share out.
constexpr int64_t kFewBlocks = 4, kTermsPerPart = 1024;

struct Range {
  int64_t first, count;
};

/// An axis of c in parts of nearly equal length that begin on multiples of 16 floats, the widest register.
class Parts {
 public:
  Parts(int64_t axis, int64_t most) : axis_(axis) {
    constexpr int64_t kRegister = 16;
    const int64_t even = ceil_of(axis, ceil_of(axis, most));
    size_ = ceil_of(even, kRegister) * kRegister;
  }
  int64_t count() const { return ceil_of(axis_, size_); }
  Range operator[](int64_t part) const {
    const int64_t first = part * size_;
    return {first, std::min(size_, axis_ - first)};
  }

 private:
  static int64_t ceil_of(int64_t n, int64_t d) { return (n + d - 1) / d; }
  int64_t axis_, size_;
};

// The definition. What double runs, and float where oneDNN is out of memory.
template <class T>
void multiply_plainly(const Product<T>& product, Range rows, Range cols) {
  const int64_t inner = product.inner(), step_a = product.step_a(), step_b = product.step_b();
  for (int64_t i = rows.first; i < rows.first + rows.count; ++i) {
    const T* const a = product.row_of_a(i);
    T* const c = product.c.row(i).data();
    for (int64_t j = cols.first; j < cols.first + cols.count; ++j) {
      const T* const b = product.column_of_b(j);
      T sum = product.accumulate == Accumulate::kYes ? c[j] : T{0};
      for (int64_t k = 0; k < inner; ++k) sum += a[k * step_a] * b[k * step_b];
      c[j] = sum;
    }
  }
}

void multiply_block(const Product<double>& product, Range rows, Range cols) {
  multiply_plainly(product, rows, cols);
}

void multiply_block(const Product<float>& product, Range rows, Range cols) {
  const auto letter = [](Transpose transpose) { return transpose == Transpose::kYes ? 'T' : 'N'; };
  const float beta = product.accumulate == Accumulate::kYes ? 1.0f : 0.0f;
  float* const c = product.c.row(rows.first).data() + cols.first;
  const Undisturbed undisturbed;
  const dnnl_status_t status =
      dnnl_sgemm(letter(product.transpose_a), letter(product.transpose_b), rows.count, cols.count,
                 product.inner(), 1.0f, product.row_of_a(rows.first), product.a.cols,
                 product.column_of_b(cols.first), product.b.cols, beta, c, product.c.cols);
  if (status != dnnl_success) multiply_plainly(product, rows, cols);
}

// c's columns as sgemm sees them: rows that lie c.cols apart.
void multiply_columns_plainly(const ColumnsProduct& product) {
  const auto& [a, b, accumulate, c, first] = product;
  for (int64_t i = 0; i < a.rows; ++i) {
    for (int64_t j = 0; j < b.rows; ++j) {
      float& sum = c.row(i)[static_cast<size_t>(first + j)];
      if (accumulate == Accumulate::kNo) sum = 0;
      for (int64_t k = 0; k < a.cols; ++k) sum += a.data[i * a.cols + k] * b.data[j * b.cols + k];
    }
  }
}

template <class T>
bool is_trivial(const Product<T>& product) {
  const Matrix<T>& c = product.c;
  if (c.size() == 0) return true;
  if (product.inner() > 0) return false;
  if (product.accumulate == Accumulate::kNo) std::fill_n(c.data, c.size(), T{0});  // an empty sum
  return true;
}

template <class T>
Parts parts_of_columns(const Product<T>& product, int64_t row_parts) {
  int64_t most = std::min(kBlockCols, product.c.cols);
  const int64_t per_column = product.c.rows / row_parts * product.inner();
  while (row_parts * Parts(product.c.cols, most).count() < kFewBlocks && most > kNarrowestCols &&
         per_column * most / 2 >= kWorthATask) {
    most /= 2;
  }
  return {product.c.cols, most};
}

template <class T>
void multiply(const Product<T>& product, Executor& executor) {
  const Parts rows(product.c.rows, kBlockRows);
  const Parts cols = parts_of_columns(product, rows.count());
  executor.for_each(rows.count() * cols.count(), [&](int64_t task, int) {
    multiply_block(product, rows[task / cols.count()], cols[task % cols.count()]);
  });
}

bool has_long_sums(const Product<float>& product) {
  const Parts rows(product.c.rows, kBlockRows), cols(product.c.cols, kBlockCols);
  return product.transpose_a == Transpose::kYes && product.transpose_b == Transpose::kNo &&
         rows.count() * cols.count() < kFewBlocks && product.inner() >= 2 * kTermsPerPart;
}

// a^T b as the sum of products of neighbouring rows of a and b, added up in the order of the rows.
void multiply_in_parts(const Product<float>& product, Pass& pass) {
  const Arena::Mark mark(pass.arena);
  const Matrix<float>& c = product.c;
  const int64_t inner = product.inner(), parts = (inner + kTermsPerPart - 1) / kTermsPerPart;
  const Matrix<float> sums = pass.arena.matrix<float>(parts * c.rows, c.cols);
  const Parts rows(c.rows, kBlockRows), cols(c.cols, kBlockCols);
  const int64_t blocks = rows.count() * cols.count();
  pass.executor.for_each(parts * blocks, [&](int64_t task, int) {
    const int64_t part = task / blocks, block = task % blocks;
    const int64_t first = part * kTermsPerPart, count = std::min(kTermsPerPart, inner - first);
    const Product<float> own{product.a.slice(first, count),
                             Transpose::kYes,
                             product.b.slice(first, count),
                             Transpose::kNo,
                             Accumulate::kNo,
                             sums.slice(part * c.rows, c.rows)};
    multiply_block(own, rows[block / cols.count()], cols[block % cols.count()]);
  });
  for_each_chunk(pass.executor, c.size(), kChunkElements, [&](int64_t first, int64_t count) {
    if (product.accumulate == Accumulate::kNo) std::fill_n(c.data + first, count, 0.0f);
    kernels::add_rows(sums.data + first, parts, c.size(), count, c.data + first);
  });
}

}  // namespace

template <class T>
void gemm(ConstMatrix<T> a, Transpose transpose_a, ConstMatrix<T> b, Transpose transpose_b,
          Accumulate accumulate, Matrix<T> c, Executor& executor) {
  assert((transpose_a == Transpose::kYes ? a.cols : a.rows) == c.rows);
  assert((transpose_b == Transpose::kYes ? b.rows : b.cols) == c.cols);
  assert((transpose_a == Transpose::kYes ? a.rows : a.cols) ==
         (transpose_b == Transpose::kYes ? b.cols : b.rows));
  const Product<T> product{a, transpose_a, b, transpose_b, accumulate, c};
  if (!is_trivial(product)) multiply(product, executor);
}

template <class T>
void gemm(ConstMatrix<T> a, Transpose transpose_a, ConstMatrix<T> b, Transpose transpose_b,
          Accumulate accumulate, Matrix<T> c, Pass& pass) {
  if constexpr (std::is_same_v<T, float>) {
    const Product<T> product{a, transpose_a, b, transpose_b, accumulate, c};
    if (is_trivial(product)) return;
    if (pass.precision == Precision::kBFloat16 && c.size() * product.inner() >= kWorthRounding &&
        has_bfloat16_products() && multiply_bfloat16(product, pass.arena).ok()) {
      return;
    }
    if (has_long_sums(product)) return multiply_in_parts(product, pass);
  }
  gemm(a, transpose_a, b, transpose_b, accumulate, c, pass.executor);
}

void gemm_columns(const ColumnsProduct& product) {
  const auto& [a, b, accumulate, c, first] = product;
  assert(a.cols == b.cols && a.rows == c.rows && first >= 0 && first + b.rows <= c.cols);
  const float beta = accumulate == Accumulate::kYes ? 1.0f : 0.0f;
  const Undisturbed undisturbed;
  const dnnl_status_t status = dnnl_sgemm('N', 'T', a.rows, b.rows, a.cols, 1.0f, a.data, a.cols, b.data,
                                          b.cols, beta, c.data + first, c.cols);
  if (status != dnnl_success) multiply_columns_plainly(product);
}

using Floats = ConstMatrix<float>;
using Doubles = ConstMatrix<double>;
template void gemm(Floats, Transpose, Floats, Transpose, Accumulate, Matrix<float>, Executor&);
template void gemm(Doubles, Transpose, Doubles, Transpose, Accumulate, Matrix<double>, Executor&);
template void gemm(Floats, Transpose, Floats, Transpose, Accumulate, Matrix<float>, Pass&);
template void gemm(Doubles, Transpose, Doubles, Transpose, Accumulate, Matrix<double>, Pass&);

}  // namespace attend
