// Scores: products of query rows and keys, with the features in the lanes.
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
HWY_INLINE hn::Vec<Quad> sum_of_blocks(D, hn::Vec<D> v) {
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

/// Keys whose products with R rows are in flight together: as many sums as the registers hold beside the keys
/// and one query vector, so that each vector that is loaded is used often and no multiplier waits for a sum.
template <int R, class T>
constexpr int keys_in_flight() {
  if (R == 1) return sizeof(T) == 1 ? 4 : 8;  // int8 has work enough between two additions
  if (kManyRegisters) return 4;
  return R == 4 ? 3 : 4;
}

/// sum[r][j] += queries * key(j) for R rows and J keys, lane by lane. Several rows share widened keys, which
/// are kept; of a single row the keys pass through, because there would be no register for all of them.
template <int R, int J, class Key>
HWY_INLINE void multiply(const float* queries, const Key& key, Vec (&sum)[R][J]) {
  if constexpr (R == 1) {
    const Vec query = load(queries);
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) sum[0][j] = hn::MulAdd(query, key(j), sum[0][j]);
  } else {
    Vec keys[J];
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) keys[j] = key(j);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec query = load(queries + r * kLanes);
#pragma GCC unroll 8
      for (int j = 0; j < J; ++j) sum[r][j] = hn::MulAdd(query, keys[j], sum[r][j]);
    }
  }
}

/// sum[r][j] = products of R query rows and J keys, lane by lane. Vector v of row r is queries[v * R + r].
template <int R, int J, class T>
HWY_INLINE void multiply_keys(const float* queries, const T* const* keys, const RowVectors<T>& vectors,
                              Vec (&sum)[R][J]) {
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int j = 0; j < J; ++j) sum[r][j] = hn::Zero(FloatTag());
  }
  const T* key[J];
#pragma GCC unroll 8
  for (int j = 0; j < J; ++j) key[j] = keys[j];
  constexpr int kBlock = kPlanes<T> * kLanes;
  const float* query = queries;
  for (int64_t column = 0; column < vectors.blocks * kBlock; column += kBlock, query += R * kBlock) {
#pragma GCC unroll 4
    for (int v = 0; v < kPlanes<T>; ++v) {
      multiply<R, J>(
          query + R * v * kLanes, [&](int j) HWY_ATTR { return widen_vector(key[j] + column, v); }, sum);
    }
  }
  for (int64_t v = vectors.full() - vectors.whole; v < vectors.full(); ++v) {
    multiply<R, J>(
        queries + v * kLanes * R, [&](int j) HWY_ATTR { return widen(key[j] + v * kLanes); }, sum);
  }
  if (vectors.left == 0) return;
  multiply<R, J>(
      queries + vectors.full() * kLanes * R,
      [&](int j) HWY_ATTR { return hn::IfThenElseZero(vectors.last, widen_last(key[j], vectors)); }, sum);
}

/// The scores of R rows and J keys, keys of a row together where that is natural, to their places.
template <int R, int J>
HWY_INLINE void put_scores(const Vec (&sum)[R][J], const uint16_t* places, float* scores) {
  static_assert(J % 4 == 0 || R == 4);
  constexpr bool kByKey = J % 4 != 0;
#pragma GCC unroll 8
  for (int a = 0; a < (kByKey ? J : R); ++a) {
#pragma GCC unroll 8
    for (int b = 0; b < (kByKey ? R : J); b += 4) {
      float four[4];
      if constexpr (kByKey) {
        hn::StoreU(four_sums(sum[0][a], sum[1][a], sum[2][a], sum[3][a]), Quad(), four);
        for (int r = 0; r < 4; ++r) scores[r * kDecodeSplit + places[a]] = four[r];
      } else {
        hn::StoreU(four_sums(sum[a][b], sum[a][b + 1], sum[a][b + 2], sum[a][b + 3]), Quad(), four);
        for (int j = 0; j < 4; ++j) scores[a * kDecodeSplit + places[b + j]] = four[j];
      }
    }
  }
}

/// Keys that are read together, of which every keys_in_flight() is a divisor.
constexpr int kKeyGroup = 24;

/// scores[r * kDecodeSplit + places[k]] for the keys k of a group.
template <int R, class T>
HWY_NOINLINE void score_group(const float* queries, const T* const* keys, const uint16_t* places,
                              const RowVectors<T>& vectors, float* scores) {
  constexpr int J = keys_in_flight<R, T>();
  static_assert(kKeyGroup % J == 0);
  for (int k = 0; k < kKeyGroup; k += J) {
    Vec sum[R][J];
    multiply_keys<R, J>(queries, keys + k, vectors, sum);
    put_scores<R, J>(sum, places + k, scores);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_DECODE_SCORES_INL_H_
