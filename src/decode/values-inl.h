// Weighted sums of a tile's values, with the features in the lanes.
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

/// The weights of R rows and the values of a tile.
template <class T>
struct WeightedTile {
  const float* weights;  // of row r and key j at r * kDecodeTile + j
  const T* const* values;
  int first, end;  // the keys that are added
};

/// Adds to NV vectors of R rows of `out`, vector v of row r at out + r * stride + v * kLanes. `vector(row,
/// v)` is vector v of a row of values that begins at `column`.
template <int R, int NV, class T, class Vector>
HWY_INLINE void add_panel(const WeightedTile<T>& tile, int64_t column, float* out, ptrdiff_t stride,
                          const RowsAhead<T>& ahead, const Vector& vector) {
  Vec sum[R][NV];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) sum[r][v] = load(out + r * stride + v * kLanes);
  }
  for (int j = tile.first; j < tile.end; ++j) {
    ahead.fetch(j);
    const T* row = tile.values[j] + column;
    // Hides where `row` came from: one register and constant offsets, and not a register for each vector.
    __asm__("" : "+r"(row));
    if constexpr (R == 1) {
      const Vec weight = broadcast(tile.weights[j]);
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) sum[0][v] = hn::MulAdd(weight, vector(row, v), sum[0][v]);
    } else {
      Vec value[NV];
#pragma GCC unroll 8
      for (int v = 0; v < NV; ++v) value[v] = vector(row, v);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const Vec weight = broadcast(tile.weights[r * kDecodeTile + j]);
#pragma GCC unroll 8
        for (int v = 0; v < NV; ++v) sum[r][v] = hn::MulAdd(weight, value[v], sum[r][v]);
      }
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) store(sum[r][v], out + r * stride + v * kLanes);
  }
}

/// Vectors of values whose weighted sums R rows keep in registers at a time, as in keys_in_flight().
template <int R>
constexpr int panel_vectors() {
  if (R == 1) return 8;
  if (kManyRegisters) return R <= 3 ? 8 : 4;
  return R == 4 ? 3 : 4;
}

/// add_panel() for vectors [vector, end) of the output, which one after the other come from `from`: as many
/// panels of NV as fit, then narrower ones.
template <int R, int NV, int kPlane, class T>
HWY_INLINE void add_panels(const WeightedTile<T>& tile, int64_t vector, int64_t end, int64_t column,
                           float* out, ptrdiff_t stride, const RowsAhead<T>& ahead) {
  constexpr int64_t kBlock = kPlanes<T> * kLanes;
  for (; vector + NV <= end; vector += NV, column += NV * kBlock) {
    // Four that are left make two panels of two: a panel of one has too few sums in flight.
    if (NV == 3 && end - vector == 4) break;
    add_panel<R, NV>(tile, column, out + vector * kLanes, stride, vector == 0 ? ahead : RowsAhead<T>{},
                     [](const T* row, int v) HWY_ATTR { return widen_plane<kPlane>(row + v * kBlock); });
  }
  if constexpr (NV > 1) add_panels<R, (NV + 1) / 2, kPlane>(tile, vector, end, column, out, stride, ahead);
}

/// out += weights * values for R rows, in the order of RowVectors, repeats included.
template <int R, class T>
HWY_NOINLINE void add_weighted_values(const WeightedTile<T>& tile, const RowVectors<T>& vectors, float* out,
                                      ptrdiff_t stride, const RowsAhead<T>& ahead) {
  const int64_t blocks = vectors.blocks;
  add_panels<R, panel_vectors<R>(), 0>(tile, 0, blocks, 0, out, stride, ahead);
  if constexpr (kPlanes<T> == 2) {
    add_panels<R, panel_vectors<R>(), 1>(tile, blocks, 2 * blocks, 0, out, stride, RowsAhead<T>{});
  }
  if (vectors.whole > 0) {
    const int64_t column = blocks * kPlanes<T> * kLanes;
    add_panel<R, 1>(tile, column, out + column, stride, blocks == 0 ? ahead : RowsAhead<T>{},
                    [](const T* row, int) HWY_ATTR { return widen(row); });
  }
  if (vectors.left == 0) return;
  add_panel<R, 1>(tile, 0, out + vectors.full() * kLanes, stride,
                  vectors.full() == 0 ? ahead : RowsAhead<T>{},
                  [&vectors](const T* row, int) HWY_ATTR { return widen_last(row, vectors); });
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_DECODE_VALUES_INL_H_
