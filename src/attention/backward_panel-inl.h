// The part of the backward pass that every gradient needs: the weights of a tile and the gradients of its
// scores, with the queries in the lanes.
//
//   P  = 2^(S - lse)        dS = P (M dO V^T - <dO, O>)
//
// P is recomputed from lse; M are dropout's factors. Both are 0 where masked, whatever the operands were.
#if defined(ATTEND_ATTENTION_BACKWARD_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ATTEND_ATTENTION_BACKWARD_PANEL_INL_H_
#undef ATTEND_ATTENTION_BACKWARD_PANEL_INL_H_
#else
#define ATTEND_ATTENTION_BACKWARD_PANEL_INL_H_
#endif

#include <algorithm>

#include "attention/dropout-inl.h"
#include "attention/kernels.h"
#include "attention/log2_units.h"
#include "attention/narrow-inl.h"
#include "attention/problem.h"
#include "attention/product-inl.h"
#include "attention/score_rule-inl.h"
#include "attention/tile-inl.h"
#include "attention/transpose-inl.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// From scores and <dO, v> to weights and `scale` times the score gradients, in place.
template <int NV, bool kMasked>
HWY_INLINE void score_gradients(int keys, const uint64_t* columns, const float* lse, const float* mean,
                                float scale, float* weights, float* gradients, ptrdiff_t stride) {
  Vec l[NV], m[NV];
  for (int v = 0; v < NV; ++v) {
    l[v] = load(lse + v * kLanes);
    m[v] = load(mean + v * kLanes);
  }
  for (int j = 0; j < keys; ++j) {
    for (int v = 0; v < NV; ++v) {
      float* w = weights + j * stride + v * kLanes;
      float* g = gradients + j * stride + v * kLanes;
      Vec p = exp2(hn::Sub(load(w), l[v]));
      Vec ds = hn::Mul(hn::Mul(p, broadcast(scale)), hn::Sub(load(g), m[v]));
      if constexpr (kMasked) {
        const auto seen = mask_of(columns[j] >> (v * kLanes));
        p = hn::IfThenElseZero(seen, p);
        ds = hn::IfThenElseZero(seen, ds);
      }
      store(p, w);
      store(ds, g);
    }
  }
}

/// gradients *= derivatives where they are not 0: a masked score's derivative may be NaN.
HWY_INLINE void multiply_gradients(float* gradients, const float* derivatives, int count) {
  for (int k = 0; k < count; k += kLanes) {
    const Vec g = load(gradients + k);
    const Vec product = hn::Mul(g, load(derivatives + k));
    store(hn::IfThenZeroElse(hn::Eq(g, hn::Zero(FloatTag())), product), gradients + k);
  }
}

/// What score gradients are with respect to: the score, as the bias is added to it, or the product <q, k>
/// that scale and softcap come after.
enum class Respect { kScore, kProduct };

/// One query head, a group of panels of queries at a time.
class HeadGradients {
 public:
  /// `scratch` holds head_gradients_scratch() floats.
  HeadGradients(const BackwardProblem<float>& problem, int64_t b, int64_t h, float* scratch)
      : p_(problem),
        b_(b),
        h_(h),
        mask_(problem.mask.head(b, h)),
        rule_(problem.rule.head(b, h)),
        dropout_(problem.dropout.head(b, h)) {
    const auto take = [&scratch](int64_t floats) {
      float* taken = scratch;
      scratch += floats;
      return taken;
    };
    query_lanes_ = take(problem.sizes.D * kWidestPanel);
    gradient_lanes_ = take(problem.sizes.Dv * kWidestPanel);
    lse_ = take(kWidestPanel);
    mean_ = take(kWidestPanel);
    weights_ = take(kTileKeys * kWidestPanel);
    gradients_ = take(kTileKeys * kWidestPanel);
    derivatives_ = take(kTileKeys * kWidestPanel);
    output_rows_ = scratch;
  }

  const HeadMask& mask() const { return mask_; }
  // Tiles of all panels of the group, side by side: [keys, stride()].
  ptrdiff_t stride() const { return stride_; }
  const float* weights() const { return weights_; }      // (M P)^T
  const float* gradients() const { return gradients_; }  // dS^T
  const uint64_t* columns() const { return columns_; }   // what the last partial tile sees, as of HeadMask

  /// Lays the queries of a group, which starts at `query`, and their output gradients into the lanes.
  void load_panels(int64_t query, const PanelGroup& group, const RowMajor queries, const RowMajor gradients) {
    query_ = query;
    group_ = group;
    stride_ = group.before(group.last[-1]) + group.last[-1].vectors * kLanes;
    // Lanes without a query, and queries without a key, weigh nothing: 2^(s - inf) = 0.
    std::fill_n(lse_, stride_, kInfinity);
    for (int i = 0; i < group.queries(); ++i) {
      const float lse = *p_.lse.row(b_, h_, query + i);
      if (lse != -kInfinity) lse_[i] = to_log2_units(lse);
    }
    if (dropout_.active()) load_words(dropout_, query, static_cast<int>(stride_), words_);
    const float factor = query_factor(p_.scale, rule_);
    for (const Panel& panel : group) {
      const int lane = group.before(panel);
      rows_to_lanes(queries.from_row(lane).data, queries.stride, panel, p_.sizes.D, factor,
                    query_lanes_ + p_.sizes.D * lane);
      rows_to_lanes(gradients.from_row(lane).data, gradients.stride, panel, p_.sizes.Dv, 1.0f,
                    gradient_lanes_ + p_.sizes.Dv * lane);
      load_means(panel);
    }
  }

  /// Makes weights() and gradients() of one panel's queries and keys [key, key + keys), of which the rows of
  /// keys and values are given, and says which of them are seen; nothing is made when none is.
  template <Respect kRespect, int NV>
  TileClass tile(const Panel& panel, int64_t key, int keys, const RowMajor key_rows,
                 const RowMajor value_rows) {
    const int lane = group_.before(panel);
    float *weights = weights_ + lane, *gradients = gradients_ + lane, *derivatives = derivatives_ + lane;
    TileClass seen = mask_.tile(query_ + lane, panel.queries, key, keys, columns_);
    if (seen == TileClass::kSkip) return seen;
    deep_product<NV>(key_rows, keys, p_.sizes.D, Right{query_lanes_ + p_.sizes.D * lane, NV * kLanes},
                     Target{weights, stride_});
    if (rule_.changes_scores()) {
      const Tile tile = {query_ + lane, panel, key, keys};
      seen = apply_rule<NV>(rule_, tile, seen, columns_, weights, derivatives, stride_);
      if (seen == TileClass::kSkip) return seen;
    }
    deep_product<NV>(value_rows, keys, p_.sizes.Dv, Right{gradient_lanes_ + p_.sizes.Dv * lane, NV * kLanes},
                     Target{gradients, stride_});
    if (dropout_.active()) drop<NV>(dropout_, words_, lane, key, keys, gradients, stride_);
    const float scale = kRespect == Respect::kProduct ? p_.scale : 1.0f;
    const float *lse = lse_ + lane, *mean = mean_ + lane;
    if (seen == TileClass::kFull) {
      score_gradients<NV, false>(keys, columns_, lse, mean, scale, weights, gradients, stride_);
    } else {
      score_gradients<NV, true>(keys, columns_, lse, mean, scale, weights, gradients, stride_);
    }
    if (kRespect == Respect::kProduct && rule_.softcap != 0) {
      for (int j = 0; j < keys; ++j) {
        multiply_gradients(gradients + j * stride_, derivatives + j * stride_, NV * kLanes);
      }
    }
    if (dropout_.active()) drop<NV>(dropout_, words_, lane, key, keys, weights, stride_);
    return seen;
  }

 private:
  /// <dO, O> of each lane, feature after feature as <dO, v> is summed: a query with a single key gets a score
  /// gradient of exactly 0.
  void load_means(const Panel& panel) {
    const int lane = group_.before(panel), stride = panel.vectors * kLanes;
    const RowMajor output = wide_rows(p_.output, b_, h_, query_ + lane, panel.queries, output_rows_);
    const float* gradients = gradient_lanes_ + p_.sizes.Dv * lane;
    std::fill_n(mean_ + lane, stride, 0.0f);
    for (int64_t first = 0; first < p_.sizes.Dv; first += kTileKeys) {
      const int64_t width = std::min<int64_t>(kTileKeys, p_.sizes.Dv - first);
      rows_to_lanes(output.data + first, output.stride, panel, width, 1.0f, weights_);
      for (int v = 0; v < panel.vectors; ++v) {
        Vec mean = load(mean_ + lane + v * kLanes);
        for (int64_t d = 0; d < width; ++d) {
          const float* gradient = gradients + (first + d) * stride + v * kLanes;
          mean = hn::MulAdd(load(weights_ + d * stride + v * kLanes), load(gradient), mean);
        }
        store(mean, mean_ + lane + v * kLanes);
      }
    }
  }

  const BackwardProblem<float>& p_;
  const int64_t b_, h_;
  const HeadMask mask_;
  const HeadRule<float> rule_;
  const HeadDropout dropout_;
  QueryWords words_;  // of the group, if there is dropout
  int64_t query_ = 0;
  PanelGroup group_ = {};
  ptrdiff_t stride_ = 0;  // lanes of the group
  uint64_t columns_[kTileKeys];
  float* query_lanes_;     // a panel after the other, each [D, lanes], multiplied by query_factor()
  float* gradient_lanes_;  // likewise [Dv, lanes] of dO
  float* lse_;             // [stride], in units of log 2
  float* mean_;            // [stride], <dO, O>
  float* weights_;         // [kTileKeys, stride]: scores, then weights
  float* gradients_;       // [kTileKeys, stride]: <dO, v>, then score gradients
  float* derivatives_;     // [kTileKeys, stride]: of the softcap, if there is one
  float* output_rows_;     // of a panel, if they are copied
};

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_BACKWARD_PANEL_INL_H_
