// The one inner loop: C (+)= A B, with the sums of a block of C held in registers.
//
// All six products of attention are this loop. With S^T the scores [keys, queries], P^T the weights, and
// queries or features in the lanes of B and C:
//
//   S^T  = K Q^T       dP^T = V dO^T      A = K, V rows as they lie in memory
//   O^T += V^T P^T     dQ^T += K^T dS^T   A = V, K again, read down their columns
//   dV  += P^T dO      dK   += dS^T Q     A = P^T, dS^T
//
// Every element of A is loaded once, broadcast, and multiplies NV vectors of a row of B. Elements are float32
// numbers, or pairs of bfloat16 numbers (pairs-inl.h) whose two products are added.
//
// Sums begin at zero and meet what C holds at their end. A long sum, over all keys or all queries, is then
// one of short sums, each rounded at its own size and not at that of the whole: errors grow with the square
// root of the number of tiles, not of terms (Higham, "Accuracy and Stability of Numerical Algorithms",
// 2002, 4.2: blocked summation).
#if defined(ATTEND_ATTENTION_PRODUCT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_PRODUCT_INL_H_
#undef ATTEND_ATTENTION_PRODUCT_INL_H_
#else
#define ATTEND_ATTENTION_PRODUCT_INL_H_
#endif

#include <algorithm>

#include "attention/vector-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// A whose element (r, k) is at r * stride + k.
struct RowMajor {
  const float* data;
  ptrdiff_t stride;
  HWY_INLINE RowMajor from_row(int64_t r) const { return {data + r * stride, stride}; }
  HWY_INLINE RowMajor from_depth(int64_t k) const { return {data + k, stride}; }
  HWY_INLINE float at(int r, int64_t k) const { return data[r * stride + k]; }
};

/// A whose element (r, k) is at k * stride + r.
struct ColumnMajor {
  const float* data;
  ptrdiff_t stride;
  HWY_INLINE ColumnMajor from_row(int64_t r) const { return {data + r, stride}; }
  HWY_INLINE float at(int r, int64_t k) const { return data[k * stride + r]; }
};

struct Right {
  const float* data;  // row k at k * stride
  ptrdiff_t stride;
};

struct Target {
  float* data;  // row r at r * stride
  ptrdiff_t stride;
  const float* decay = nullptr;  // for Onto::kDecayedTarget: one number a lane
};

/// sum + left * right, for the elements of A that `left` is made of.
HWY_INLINE Vec multiply_add(float /*element*/, Vec left, Vec right, Vec sum) {
  return hn::MulAdd(left, right, sum);
}

/// What becomes of a sum: nothing, but where A has a factor.
template <class Left>
HWY_INLINE Vec finished(const Left& a, Vec sum) {
  if constexpr (requires { a.factor; }) return hn::Mul(broadcast(a.factor), sum);
  return sum;
}

/// What the sums are added to.
enum class Onto { kNothing, kTarget, kDecayedTarget };

/// R rows by NV vectors of C; R * NV sums stay in registers for the whole depth.
template <Onto kOnto, int R, int NV, class Left>
HWY_INLINE void product_block(const Left a, int64_t depth, const Right b, const Target c) {
  Vec sum[R][NV];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) sum[r][v] = hn::Zero(FloatTag());
  }
  const float* row = b.data;
  // Four steps a turn: the branch costs little then, and the code is still small. (Eight are slower on
  // Zen 3.)
#pragma GCC unroll 4
  for (int64_t k = 0; k < depth; ++k, row += b.stride) {
    Vec right[NV];
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) right[v] = load(row + v * kLanes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const auto element = a.at(r, k);
      const Vec left = broadcast(element);
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) sum[r][v] = multiply_add(element, left, right[v], sum[r][v]);
    }
  }
  [[maybe_unused]] Vec decay[NV];
  if constexpr (kOnto == Onto::kDecayedTarget) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) decay[v] = load(c.decay + v * kLanes);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) {
      float* to = c.data + r * c.stride + v * kLanes;
      Vec made = finished(a, sum[r][v]);
      if constexpr (kOnto == Onto::kTarget) made = hn::Add(load(to), made);
      if constexpr (kOnto == Onto::kDecayedTarget) made = hn::MulAdd(load(to), decay[v], made);
      store(made, to);
    }
  }
}

/// Rows of C in one block: what fits in 32 vector registers (AVX-512, NEON) or in 16, beside NV of B and one
/// of A.
template <int NV>
constexpr int rows_in_registers() {
  constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON;
  return kManyRegisters || NV == 1 ? 8 : NV == 2 ? 6 : 4;
}

/// C [rows, NV vectors] (+)= A [rows, depth] B [depth, NV vectors].
template <Onto kOnto, int NV, class Left>
HWY_NOINLINE void product(const Left a, int64_t rows, int64_t depth, const Right b, const Target c) {
  constexpr int kRows = rows_in_registers<NV>();
  int64_t r = 0;
  const auto from_row = [&](int64_t row) HWY_ATTR {
    return Target{c.data + row * c.stride, c.stride, c.decay};
  };
  for (; r + kRows <= rows; r += kRows) product_block<kOnto, kRows, NV>(a.from_row(r), depth, b, from_row(r));
  if constexpr (kRows > 4) {
    if (rows - r >= 4) {
      product_block<kOnto, 4, NV>(a.from_row(r), depth, b, from_row(r));
      r += 4;
    }
  }
  if (rows - r >= 2) {
    product_block<kOnto, 2, NV>(a.from_row(r), depth, b, from_row(r));
    r += 2;
  }
  if (rows - r >= 1) product_block<kOnto, 1, NV>(a.from_row(r), depth, b, from_row(r));
}

/// C = A B of any depth, in sums of at most 128 products.
template <int NV, class Left>
HWY_INLINE void deep_product(const Left a, int64_t rows, int64_t depth, const Right b, const Target c) {
  constexpr int64_t kDepth = 128;
  product<Onto::kNothing, NV>(a, rows, std::min(depth, kDepth), b, c);
  for (int64_t k = kDepth; k < depth; k += kDepth) {
    const Right rest = {b.data + k * b.stride, b.stride};
    product<Onto::kTarget, NV>(a.from_depth(k), rows, std::min(depth - k, kDepth), rest, c);
  }
}

/// product() for any number of whole vectors: panels of three, the rest as two or one.
template <Onto kOnto, class Left>
HWY_INLINE void wide_product(const Left a, int64_t rows, int64_t depth, const Right b, const Target c,
                             int vectors) {
  int v = 0;
  const auto right = [&] { return Right{b.data + v * kLanes, b.stride}; };
  const auto target = [&] { return Target{c.data + v * kLanes, c.stride, nullptr}; };
  for (; vectors - v >= 3 && vectors - v != 4; v += 3) product<kOnto, 3>(a, rows, depth, right(), target());
  for (; vectors - v >= 2; v += 2) product<kOnto, 2>(a, rows, depth, right(), target());
  if (v < vectors) product<kOnto, 1>(a, rows, depth, right(), target());
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_PRODUCT_INL_H_
