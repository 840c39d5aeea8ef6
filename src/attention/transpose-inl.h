// Between rows in memory and queries in the lanes.
//
// Both directions transpose 4 x 4 squares inside the 128-bit blocks of vectors: block b of a vector holds
// four lanes, queries 4b .. 4b + 3, of one feature on one side, and four features of one query on the other.
#if defined(ATTEND_ATTENTION_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_TRANSPOSE_INL_H_
#undef ATTEND_ATTENTION_TRANSPOSE_INL_H_
#else
#define ATTEND_ATTENTION_TRANSPOSE_INL_H_
#endif

#include <algorithm>

#include "attention/panel.h"
#include "attention/vector-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// Transposes the 4 x 4 square in each block of x[0..3].
HWY_INLINE void transpose_squares(Vec (&x)[4]) {
  const FloatTag d;
  const hn::Repartition<uint64_t, FloatTag> pairs;
  const auto a = hn::BitCast(pairs, hn::InterleaveLower(d, x[0], x[1]));
  const auto b = hn::BitCast(pairs, hn::InterleaveLower(d, x[2], x[3]));
  const auto e = hn::BitCast(pairs, hn::InterleaveUpper(d, x[0], x[1]));
  const auto f = hn::BitCast(pairs, hn::InterleaveUpper(d, x[2], x[3]));
  x[0] = hn::BitCast(d, hn::InterleaveLower(pairs, a, b));
  x[1] = hn::BitCast(d, hn::InterleaveUpper(pairs, a, b));
  x[2] = hn::BitCast(d, hn::InterleaveLower(pairs, e, f));
  x[3] = hn::BitCast(d, hn::InterleaveUpper(pairs, e, f));
}

/// Block b comes from rows[4 * b] + offset.
template <class D>
HWY_INLINE hn::Vec<D> load_blocks(D d, const float* const* rows, int64_t offset) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return hn::LoadU(d, rows[0] + offset);
  } else {
    const hn::Half<D> half;
    return hn::Combine(d, load_blocks(half, rows + hn::MaxLanes(half), offset),
                       load_blocks(half, rows, offset));
  }
}

/// Block b goes to rows[4 * b] + offset, where that is one of the `count` rows there are.
template <class D>
HWY_INLINE void store_blocks(D d, hn::Vec<D> v, float* const* rows, int64_t offset, int count) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    if (count > 0) hn::StoreU(v, d, rows[0] + offset);
  } else {
    const hn::Half<D> half;
    constexpr int kHalf = static_cast<int>(hn::MaxLanes(half));
    store_blocks(half, hn::LowerHalf(half, v), rows, offset, count);
    store_blocks(half, hn::UpperHalf(half, v), rows + kHalf, offset, count - kHalf);
  }
}

/// lanes[d * stride + i] = factor * rows[i][d] for the queries of a panel that starts at `first_row`; lanes
/// without a query repeat the last one, so that nothing outside the tensor is read.
inline HWY_NOINLINE void rows_to_lanes(const float* first_row, ptrdiff_t row_stride, const Panel& panel,
                                       int64_t width, float factor, float* lanes) {
  const int stride = panel.vectors * kLanes;
  const float* rows[kWidestPanel];
  for (int i = 0; i < stride; ++i) rows[i] = first_row + std::min(i, panel.queries - 1) * row_stride;
  const Vec f = broadcast(factor);
  for (int v = 0; v < panel.vectors; ++v) {
    int64_t d = 0;
    for (; d + 4 <= width; d += 4) {
      Vec x[4];
      for (int k = 0; k < 4; ++k) x[k] = load_blocks(FloatTag(), rows + v * kLanes + k, d);
      transpose_squares(x);
      for (int k = 0; k < 4; ++k) store(hn::Mul(f, x[k]), lanes + (d + k) * stride + v * kLanes);
    }
    for (; d < width; ++d) {
      for (int i = v * kLanes; i < (v + 1) * kLanes; ++i) lanes[d * stride + i] = factor * rows[i][d];
    }
  }
}

/// What lanes_to_rows() does with the row that it finds.
enum class Write { kReplace, kAdd };

/// rows[i][d] = lanes[d * stride + i] * factors[i] (or += without factors) for the queries of the panel.
template <Write kWrite>
HWY_NOINLINE void lanes_to_rows(const float* lanes, const Panel& panel, int64_t width, const float* factors,
                                float* first_row, ptrdiff_t row_stride) {
  const int stride = panel.vectors * kLanes;
  float* rows[kWidestPanel];
  for (int i = 0; i < stride; ++i) rows[i] = first_row + std::min(i, panel.queries - 1) * row_stride;
  for (int v = 0; v < panel.vectors; ++v) {
    const Vec f = load(factors + v * kLanes);
    float* const* to = rows + v * kLanes;
    const int count = panel.queries - v * kLanes;
    int64_t d = 0;
    for (; d + 4 <= width; d += 4) {
      Vec x[4];
      for (int k = 0; k < 4; ++k) x[k] = hn::Mul(f, load(lanes + (d + k) * stride + v * kLanes));
      transpose_squares(x);
      for (int k = 0; k < 4; ++k) {
        if constexpr (kWrite == Write::kAdd)
          x[k] = hn::Add(x[k], load_blocks(FloatTag(), const_cast<const float* const*>(to) + k, d));
        store_blocks(FloatTag(), x[k], to + k, d, count - k);
      }
    }
    for (; d < width; ++d) {
      for (int i = 0; i < std::min(count, kLanes); ++i) {
        const float x = factors[v * kLanes + i] * lanes[d * stride + v * kLanes + i];
        to[i][d] = kWrite == Write::kAdd ? to[i][d] + x : x;
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_TRANSPOSE_INL_H_
