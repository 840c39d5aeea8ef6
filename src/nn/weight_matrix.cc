#include "nn/weight_matrix.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "base/arena.h"
#include "base/half.h"
#include "nn/chunks.h"

namespace attend {
namespace {

/// 64-byte aligned memory behind a handle that can be shared.
std::shared_ptr<std::byte> shared_bytes(size_t bytes) {
  AlignedBytes memory = allocate_aligned(bytes);
  return {memory.release(), AlignedDelete()};
}

float scale_of(std::span<const float> row) {
  float most = 0;
  for (const float x : row) most = std::max(most, std::abs(x));
  return most / 127.0f;
}

void round_to_int8(std::span<const float> row, float scale, int8_t* to) {
  const float inverse = scale > 0 ? 1.0f / scale : 0.0f;
  for (size_t i = 0; i < row.size(); ++i) {
    // The order of arguments makes 127 of NaN, which no int8 could be.
    to[i] = static_cast<int8_t>(std::max(-127.0f, std::min(127.0f, std::nearbyint(row[i] * inverse))));
  }
}

/// to[c, r] = from[r, c] for rows [first, first + count) of `to`, in squares that fit the first cache. `from`
/// may lie at any address.
template <class Number>
void transpose_rows(const std::byte* from, int64_t from_rows, int64_t from_cols, int64_t first, int64_t count,
                    Number* to) {
  constexpr int64_t kSide = 32;
  for (int64_t c0 = first; c0 < first + count; c0 += kSide) {
    const int64_t c1 = std::min(c0 + kSide, first + count);
    for (int64_t r0 = 0; r0 < from_rows; r0 += kSide) {
      const int64_t r1 = std::min(r0 + kSide, from_rows);
      for (int64_t c = c0; c < c1; ++c) {
        for (int64_t r = r0; r < r1; ++r) {
          std::memcpy(to + c * from_rows + r,
                      from + (r * from_cols + c) * static_cast<int64_t>(sizeof(Number)), sizeof(Number));
        }
      }
    }
  }
}

}  // namespace

size_t weight_size(WeightType type) {
  return type == WeightType::kFloat32 ? 4 : type == WeightType::kInt8 ? 1 : 2;
}

WeightMatrix WeightMatrix::borrow(WeightType type, const std::byte* numbers, int64_t rows, int64_t cols,
                                  std::shared_ptr<const void> keeper) {
  assert(type != WeightType::kInt8);
  WeightMatrix matrix;
  matrix.type_ = type;
  matrix.rows_ = rows;
  matrix.cols_ = cols;
  matrix.numbers_ = numbers;
  matrix.keeper_ = std::move(keeper);
  return matrix;
}

WeightMatrix WeightMatrix::copy(WeightType type, const std::byte* numbers, int64_t rows, int64_t cols,
                                Order order, Executor& executor) {
  const size_t size = weight_size(type);
  const std::shared_ptr<std::byte> memory = shared_bytes(static_cast<size_t>(rows * cols) * size);
  const int64_t row_bytes = cols * static_cast<int64_t>(size);
  for_each_chunk(
      executor, rows, std::max<int64_t>(32, rows_per_chunk(cols)), [&](int64_t first, int64_t count) {
        if (order == Order::kRows) {
          std::memcpy(memory.get() + first * row_bytes, numbers + first * row_bytes,
                      static_cast<size_t>(count * row_bytes));
        } else if (size == sizeof(float)) {
          transpose_rows(numbers, cols, rows, first, count, reinterpret_cast<uint32_t*>(memory.get()));
        } else {
          transpose_rows(numbers, cols, rows, first, count, reinterpret_cast<uint16_t*>(memory.get()));
        }
      });
  return borrow(type, memory.get(), rows, cols, memory);
}

size_t WeightMatrix::bytes() const {
  return static_cast<size_t>(size()) * weight_size(type_) +
         (scales_ ? static_cast<size_t>(rows_) * sizeof(float) : 0);
}

WeightMatrix WeightMatrix::slice(int64_t first, int64_t count) const {
  assert(first >= 0 && count >= 0 && first + count <= rows_);
  WeightMatrix part = *this;
  part.rows_ = count;
  part.numbers_ = row(first);
  if (scales_) part.scales_ = scales_ + first;
  return part;
}

void WeightMatrix::widen(int64_t first, int64_t count, float* to) const {
  const size_t n = static_cast<size_t>(count * cols_);
  const std::byte* from = row(first);
  switch (type_) {
    case WeightType::kFloat32:
      std::memcpy(to, from, n * sizeof(float));
      return;
    case WeightType::kFloat16:
      halves_to_floats({reinterpret_cast<const uint16_t*>(from), n}, {to, n});
      return;
    case WeightType::kBFloat16:
      for (size_t i = 0; i < n; ++i) to[i] = bfloat16_to_float(reinterpret_cast<const uint16_t*>(from)[i]);
      return;
    case WeightType::kInt8:
      for (int64_t r = 0; r < count; ++r) {
        const int8_t* numbers = reinterpret_cast<const int8_t*>(from) + r * cols_;
        for (int64_t c = 0; c < cols_; ++c) {
          to[r * cols_ + c] = static_cast<float>(numbers[c]) * scales_[first + r];
        }
      }
      return;
  }
}

WeightMatrix WeightMatrix::rounded(WeightType type, Executor& executor) const {
  assert(type == WeightType::kBFloat16 || type == WeightType::kInt8);
  const bool bytes = type == WeightType::kInt8;
  const size_t size_of_numbers = round_to_lines(static_cast<size_t>(size()) * weight_size(type));
  const std::shared_ptr<std::byte> memory =
      shared_bytes(size_of_numbers + (bytes ? static_cast<size_t>(rows_) * sizeof(float) : 0));
  float* const scales = reinterpret_cast<float*>(memory.get() + size_of_numbers);
  executor.for_each(rows_, [&](int64_t r, int) {
    thread_local std::vector<float> row;
    row.resize(static_cast<size_t>(cols_));
    widen(r, 1, row.data());
    if (bytes) {
      scales[r] = scale_of(row);
      return round_to_int8(row, scales[r], reinterpret_cast<int8_t*>(memory.get()) + r * cols_);
    }
    uint16_t* const to = reinterpret_cast<uint16_t*>(memory.get()) + r * cols_;
    std::transform(row.begin(), row.end(), to, float_to_bfloat16);
  });
  WeightMatrix matrix = *this;
  matrix.type_ = type;
  matrix.numbers_ = memory.get();
  matrix.scales_ = bytes ? scales : nullptr;
  matrix.keeper_ = memory;
  return matrix;
}

}  // namespace attend
