// Weighted sums of values, with the features in the lanes.
//
// Each sum is kept in a register while the values pass, in order of keys: its bits do not depend on how many
// rows and vectors share the loop.
#if defined(ATTEND_DECODE_VALUES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_DECODE_VALUES_INL_H_
#undef ATTEND_DECODE_VALUES_INL_H_
#else
#define ATTEND_DECODE_VALUES_INL_H_
#endif

#include "decode/scores-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// The weights of R rows and the values of some keys of a split.
template <class T>
struct WeightedValues {
  const float* weights;  // of row r and the key at place p at r * kDecodeSplit + p
  const T* const* rows;  // of values, by place
  const uint16_t* places;
  int count;
};

/// sum[r][v] += weight of row r * value(v). Several rows share widened values, which are kept; of a single
/// row they pass through.
template <int R, int NV, class Value>
HWY_INLINE void add_key(const float* weights, const Value& value, Vec (&sum)[R][NV]) {
  if constexpr (R == 1) {
    const Vec weight = broadcast(weights[0]);
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) sum[0][v] = hn::MulAdd(weight, value(v), sum[0][v]);
  } else {
    Vec values[NV];
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) values[v] = value(v);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Vec weight = broadcast(weights[r * kDecodeSplit]);
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) sum[r][v] = hn::MulAdd(weight, values[v], sum[r][v]);
    }
  }
}

/// Adds to NV vectors of R rows of `out`, vector v of row r at out + r * stride + v * kStep * kLanes.
/// `vector(row, v)` is vector v of a row of values that begins at `column`.
template <int R, int NV, int kStep = 1, class T, class Vector>
HWY_INLINE void add_panel(const WeightedValues<T>& values, int64_t column, float* out, ptrdiff_t stride,
                          const Vector& vector) {
  Vec sum[R][NV];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) sum[r][v] = load(out + r * stride + v * kStep * kLanes);
  }
  for (int n = 0; n < values.count; ++n) {
    const int place = values.places[n];
    const T* row = values.rows[place] + column;
    // Hides where `row` came from: one register and constant offsets, and not a register for each vector.
    __asm__("" : "+r"(row));
    add_key<R, NV>(
        values.weights + place, [&](int v) HWY_ATTR { return vector(row, v); }, sum);
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) store(sum[r][v], out + r * stride + v * kStep * kLanes);
  }
}

/// Vectors of values whose weighted sums R rows keep in registers at a time, as in keys_in_flight().
template <int R>
constexpr int panel_vectors() {
  if (R == 1) return 8;
  if (kManyRegisters) return R <= 3 ? 8 : 4;
  return R == 4 ? 3 : 4;
}

/// add_panel() for plane kPlane of the blocks from `block` on: as many panels of NV as fit, then narrower
/// ones.
template <int R, int NV, int kPlane, class T>
HWY_INLINE void add_plane(const WeightedValues<T>& values, int64_t block, int64_t blocks, float* out,
                          ptrdiff_t stride) {
  constexpr int kBlock = kPlanes<T> * kLanes;
  for (; block + NV <= blocks; block += NV) {
    // Four that are left make two panels of two: a panel of one has too few sums in flight.
    if (NV == 3 && blocks - block == 4) break;
    add_panel<R, NV, kPlanes<T>>(values, block * kBlock, out + block * kBlock + kPlane * kLanes, stride,
                                 [](const T* row, int v)
                                     HWY_ATTR { return widen_plane<kPlane>(row + v * kBlock); });
  }
  if constexpr (NV > 1) add_plane<R, (NV + 1) / 2, kPlane>(values, block, blocks, out, stride);
}

/// add_panel() for all planes of the blocks from `block` on.
template <int NV, class T>
HWY_INLINE void add_blocks(const WeightedValues<T>& values, int64_t block, int64_t blocks, float* out) {
  constexpr int kBlock = kPlanes<T> * kLanes, kStep = NV / kPlanes<T>;
  for (; block + kStep <= blocks; block += kStep) {
    add_panel<1, NV>(values, block * kBlock, out + block * kBlock, 0,
                     [](const T* row, int v) HWY_ATTR { return widen_vector(row, v); });
  }
  if constexpr (NV > kPlanes<T>) add_blocks<NV / 2>(values, block, blocks, out);
}

/// out += weights * values for R rows, in the order of RowVectors, repeats included.
template <int R, class T>
HWY_NOINLINE void add_weighted_values(const WeightedValues<T>& values, const RowVectors<T>& vectors,
                                      float* out, ptrdiff_t stride) {
  if constexpr (R == 1) {
    add_blocks<panel_vectors<1>()>(values, 0, vectors.blocks, out);
  } else {
    constexpr int kVectors = panel_vectors<R>(), kCount = kPlanes<T>;
    add_plane<R, kVectors, 0>(values, 0, vectors.blocks, out, stride);
    if constexpr (kCount > 1) add_plane<R, kVectors, 1>(values, 0, vectors.blocks, out, stride);
    if constexpr (kCount > 2) add_plane<R, kVectors, 2>(values, 0, vectors.blocks, out, stride);
    if constexpr (kCount > 2) add_plane<R, kVectors, 3>(values, 0, vectors.blocks, out, stride);
  }
  for (int64_t v = vectors.full() - vectors.whole; v < vectors.full(); ++v) {
    add_panel<R, 1>(values, v * kLanes, out + v * kLanes, stride,
                    [](const T* row, int) HWY_ATTR { return widen(row); });
  }
  if (vectors.left == 0) return;
  add_panel<R, 1>(values, 0, out + vectors.full() * kLanes, stride,
                  [&vectors](const T* row, int) HWY_ATTR { return widen_last(row, vectors); });
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_DECODE_VALUES_INL_H_
