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
    Vec weight[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) weight[r] = broadcast(tile.weights[r * kDecodeTile + j]);
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) {
      const Vec value = vector(row, v);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) sum[r][v] = hn::MulAdd(weight[r], value, sum[r][v]);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int v = 0; v < NV; ++v) store(sum[r][v], out + r * stride + v * kLanes);
  }
}

/// Vectors of sums that R rows keep in registers.
template <int R>
constexpr int panel_vectors() {
  if (kManyRegisters) return R <= 3 ? 8 : 4;
  return R == 1 ? 8 : R == 4 ? 2 : 4;
}

/// add_panel() for the whole vectors from `vector` on: as many panels of NV as fit, then narrower ones.
template <int R, int NV, class T>
HWY_INLINE void add_panels(const WeightedTile<T>& tile, int64_t vector, const RowVectors& vectors, float* out,
                           ptrdiff_t stride, const RowsAhead<T>& ahead) {
  for (; vector + NV <= vectors.whole; vector += NV) {
    const int64_t column = vector * kLanes;
    add_panel<R, NV>(tile, column, out + column, stride, vector == 0 ? ahead : RowsAhead<T>{},
                     [](const T* row, int v) HWY_ATTR { return widen(row + v * kLanes); });
  }
  if constexpr (NV > 1) add_panels<R, NV / 2>(tile, vector, vectors, out, stride, ahead);
}

/// out += weights * values for R rows. Vector v of a row of `out` holds the numbers of vector v of the
/// values, repeats included.
template <int R, class T>
HWY_NOINLINE void add_weighted_values(const WeightedTile<T>& tile, const RowVectors& vectors, float* out,
                                      ptrdiff_t stride, const RowsAhead<T>& ahead) {
  add_panels<R, panel_vectors<R>()>(tile, 0, vectors, out, stride, ahead);
  if (vectors.left == 0) return;
  add_panel<R, 1>(tile, 0, out + vectors.whole * kLanes, stride, vectors.whole == 0 ? ahead : RowsAhead<T>{},
                  [&vectors](const T* row, int) HWY_ATTR { return widen_last(row, vectors); });
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_DECODE_VALUES_INL_H_
