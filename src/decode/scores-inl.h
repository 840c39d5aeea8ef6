// Scores of a tile: products of query rows and keys, with the features in the lanes.
//
// Each product has one vector of sums, to which the features are added in order, so that its bits do not
// depend on how many rows and keys share the loop.
#if defined(ATTEND_DECODE_SCORES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_DECODE_SCORES_INL_H_
#undef ATTEND_DECODE_SCORES_INL_H_
#else
#define ATTEND_DECODE_SCORES_INL_H_
#endif

#include "attention/transpose-inl.h"
#include "decode/element-inl.h"
#include "decode/prefetch.h"
#include "decode/problem.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

using Quad = hn::CappedTag<float, 4>;

/// Whether there are 32 vector registers and not 16.
constexpr bool kManyRegisters = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON;

/// Rows that share each widened vector of keys or values.
constexpr int kRowBlock = 4;

/// Adds up the 128-bit blocks of a vector.
template <class D>
HWY_INLINE hn::Vec<Quad> sum_of_blocks(D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return v;
  } else {
    const hn::Half<D> half;
    return sum_of_blocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}

/// The sums of the lanes of four vectors, in order.
HWY_INLINE hn::Vec<Quad> four_sums(Vec a, Vec b, Vec c, Vec d) {
  Vec x[4] = {a, b, c, d};
  transpose_squares(x);
  return sum_of_blocks(FloatTag(), hn::Add(hn::Add(x[0], x[1]), hn::Add(x[2], x[3])));
}

/// sum[r][j] = products of R query rows and J keys, lane by lane. Vector v of row r is queries[v * R + r].
template <int R, int J, class T>
HWY_INLINE void multiply_keys(const float* queries, const T* const* keys, const RowVectors& vectors,
                              Vec (&sum)[R][J]) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) sum[r][j] = hn::Zero(FloatTag());
  }
  const T* key[J];
#pragma GCC unroll 8
  for (int j = 0; j < J; ++j) key[j] = keys[j];
  const float* query = queries;
  for (int64_t column = 0; column < vectors.whole * kLanes; column += kLanes, query += R * kLanes) {
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) {
      const Vec k = widen(key[j] + column);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r][j] = hn::MulAdd(load(query + r * kLanes), k, sum[r][j]);
    }
  }
  if (vectors.left == 0) return;
#pragma GCC unroll 8
  for (int j = 0; j < J; ++j) {
    const Vec k = hn::IfThenElseZero(vectors.last, widen_last(key[j], vectors));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) sum[r][j] = hn::MulAdd(load(query + r * kLanes), k, sum[r][j]);
  }
}

/// scores[r * kDecodeTile + j] for keys j of a group of 8 (one row) or 4.
template <int R, class T>
HWY_INLINE void score_keys(const float* queries, const T* const* keys, const RowVectors& vectors,
                           float* scores) {
  if constexpr (R == 1) {
    Vec sum[1][8];  // eight chains of additions: what one row needs to keep the multipliers busy
    multiply_keys<1, 8>(queries, keys, vectors, sum);
    hn::StoreU(four_sums(sum[0][0], sum[0][1], sum[0][2], sum[0][3]), Quad(), scores);
    hn::StoreU(four_sums(sum[0][4], sum[0][5], sum[0][6], sum[0][7]), Quad(), scores + 4);
  } else if constexpr (R == 4 && !kManyRegisters) {
    // Sixteen sums would leave no register for anything else: two keys at a time.
    for (int j = 0; j < 4; j += 2) {
      Vec sum[R][2];
      multiply_keys<R, 2>(queries, keys + j, vectors, sum);
      for (int k = 0; k < 2; ++k) {
        float rows[4];
        hn::StoreU(four_sums(sum[0][k], sum[1][k], sum[2][k], sum[3][k]), Quad(), rows);
        for (int r = 0; r < R; ++r) scores[r * kDecodeTile + j + k] = rows[r];
      }
    }
  } else {
    Vec sum[R][4];
    multiply_keys<R, 4>(queries, keys, vectors, sum);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      hn::StoreU(four_sums(sum[r][0], sum[r][1], sum[r][2], sum[r][3]), Quad(), scores + r * kDecodeTile);
    }
  }
}

/// scores[r * kDecodeTile + j] for keys j of [first, end) of a tile; others may be written too. `keys` has
/// valid rows from first rounded down to a multiple of 8 to end rounded up.
template <int R, class T>
HWY_NOINLINE void score_tile(const float* queries, const T* const* keys, int first, int end,
                             const RowVectors& vectors, float* scores, const RowsAhead<T>& ahead) {
  constexpr int kStep = R == 1 ? 8 : 4;
  for (int j = first / kStep * kStep; j < end; j += kStep) {
    for (int k = j; k < j + kStep; ++k) ahead.fetch(k);
    score_keys<R>(queries, keys + j, vectors, scores + j);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_DECODE_SCORES_INL_H_
