// Tiles of scores: a panel of queries, in the lanes, by some keys.
#if defined(ATTEND_ATTENTION_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_TILE_INL_H_
#undef ATTEND_ATTENTION_TILE_INL_H_
#else
#define ATTEND_ATTENTION_TILE_INL_H_
#endif

#include <cstdint>

#include "attention/panel.h"
#include "attention/vector-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

struct Tile {
  int64_t query;  // the panel's first
  Panel panel;
  int64_t key;
  int keys;
};

/// Calls body.template operator()<NV>() for the panel's number of vectors.
template <class Body>
HWY_INLINE void with_vectors(const Panel& panel, Body&& body) {
  static_assert(kPanelVectors == 3);
  if (panel.vectors == 1) return body.template operator()<1>();
  if (panel.vectors == 2) return body.template operator()<2>();
  body.template operator()<3>();
}

/// s = -inf where the key is masked for the lane, whatever s was.
template <int NV>
HWY_INLINE void mask_scores(float* scores, int keys, const uint64_t* columns) {
  const Vec masked = broadcast(-kInfinity);
  for (int j = 0; j < keys; ++j) {
    for (int v = 0; v < NV; ++v) {
      float* s = scores + (j * NV + v) * kLanes;
      store(hn::IfThenElse(mask_of(columns[j] >> (v * kLanes)), load(s), masked), s);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_TILE_INL_H_
