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
#include <numbers>

#include "attention/dropout-inl.h"
#include "attention/kernels.h"
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
                                float scale, float* weights, float* gradients) {
  Vec l[NV], m[NV];
  for (int v = 0; v < NV; ++v) {
    l[v] = load(lse + v * kLanes);
    m[v] = load(mean + v * kLanes);
  }
  for (int j = 0; j < keys; ++j) {
    for (int v = 0; v < NV; ++v) {
      float* w = weights + (j * NV + v) * kLanes;
      float* g = gradients + (j * NV + v) * kLanes;
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

/// One query head, a panel of queries at a time.
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
  const float* weights() const { return weights_; }      // [keys, lanes], (M P)^T of the tile
  const float* gradients() const { return gradients_; }  // [keys, lanes], dS^T of the tile
  const uint64_t* columns() const { return columns_; }   // what a partial tile sees, as of HeadMask

  /// Lays the queries of a panel, which starts at `query`, and their output gradients into the lanes.
  void load_panel(int64_t query, const Panel& panel, const RowMajor queries, const RowMajor gradients) {
    const Sizes& n = p_.sizes;
    query_ = query;
    panel_ = panel;
    rows_to_lanes(queries.data, queries.stride, panel, n.D, query_factor(p_.scale, rule_), query_lanes_);
    rows_to_lanes(gradients.data, gradients.stride, panel, n.Dv, 1.0f, gradient_lanes_);
    // Lanes without a query, and queries without a key, weigh nothing: 2^(s - inf) = 0.
    std::fill_n(lse_, panel.vectors * kLanes, kInfinity);
    for (int i = 0; i < panel.queries; ++i) {
      const float lse = *p_.lse.row(b_, h_, query + i);
      if (lse != -kInfinity) lse_[i] = static_cast<float>(double{lse} * std::numbers::log2e);
    }
    if (dropout_.active()) load_words(dropout_, query, panel.vectors * kLanes, words_);
    load_means();
  }

  /// Makes weights() and gradients() of the panel's queries and keys [key, key + keys), of which the rows of
  /// keys and values are given, and says which of them are seen; nothing is made when none is.
  template <Respect kRespect, int NV>
  TileClass tile(int64_t key, int keys, const RowMajor key_rows, const RowMajor value_rows) {
    constexpr ptrdiff_t kStride = NV * kLanes;
    TileClass seen = mask_.tile(query_, panel_.queries, key, keys, columns_);
    if (seen == TileClass::kSkip) return seen;
    product<From::kZero, NV>(key_rows, keys, p_.sizes.D, Right{query_lanes_, kStride},
                             Target{weights_, kStride});
    if (rule_.changes_scores()) {
      seen = apply_rule<NV>(rule_, {query_, panel_, key, keys}, seen, columns_, weights_, derivatives_);
      if (seen == TileClass::kSkip) return seen;
    }
    product<From::kZero, NV>(value_rows, keys, p_.sizes.Dv, Right{gradient_lanes_, kStride},
                             Target{gradients_, kStride});
    if (dropout_.active()) drop<NV>(dropout_, words_, 0, key, keys, gradients_);
    const float scale = kRespect == Respect::kProduct ? p_.scale : 1.0f;
    if (seen == TileClass::kFull) {
      score_gradients<NV, false>(keys, columns_, lse_, mean_, scale, weights_, gradients_);
    } else {
      score_gradients<NV, true>(keys, columns_, lse_, mean_, scale, weights_, gradients_);
    }
    if (kRespect == Respect::kProduct && rule_.softcap != 0) {
      multiply_gradients(gradients_, derivatives_, keys * NV * kLanes);
    }
    if (dropout_.active()) drop<NV>(dropout_, words_, 0, key, keys, weights_);
    return seen;
  }

 private:
  /// <dO, O> of each lane, feature after feature as <dO, v> is summed: a query with a single key gets a score
  /// gradient of exactly 0.
  void load_means() {
    const int stride = panel_.vectors * kLanes;
    const RowMajor output = wide_rows(p_.output, b_, h_, query_, panel_.queries, output_rows_);
    std::fill_n(mean_, stride, 0.0f);
    for (int64_t first = 0; first < p_.sizes.Dv; first += kTileKeys) {
      const int64_t width = std::min<int64_t>(kTileKeys, p_.sizes.Dv - first);
      rows_to_lanes(output.data + first, output.stride, panel_, width, 1.0f, weights_);
      for (int v = 0; v < panel_.vectors; ++v) {
        Vec mean = load(mean_ + v * kLanes);
        for (int64_t d = 0; d < width; ++d) {
          const float* gradient = gradient_lanes_ + (first + d) * stride + v * kLanes;
          mean = hn::MulAdd(load(weights_ + d * stride + v * kLanes), load(gradient), mean);
        }
        store(mean, mean_ + v * kLanes);
      }
    }
  }

  const BackwardProblem<float>& p_;
  const int64_t b_, h_;
  const HeadMask mask_;
  const HeadRule<float> rule_;
  const HeadDropout dropout_;
  QueryWords words_;  // of the panel, if there is dropout
  int64_t query_ = 0;
  Panel panel_;
  uint64_t columns_[kTileKeys];
  float* query_lanes_;     // [D, lanes], multiplied by query_factor()
  float* gradient_lanes_;  // [Dv, lanes] of dO
  float* lse_;             // [lanes], in units of log 2
  float* mean_;            // [lanes], <dO, O>
  float* weights_;         // [kTileKeys, lanes]: scores, then weights
  float* gradients_;       // [kTileKeys, lanes]: <dO, v>, then score gradients
  float* derivatives_;     // [kTileKeys, lanes]: of the softcap, if there is one
  float* output_rows_;     // of the panel, if they are copied
};

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif  // ATTEND_VECTOR_TARGET

#endif  // ATTEND_ATTENTION_BACKWARD_PANEL_INL_H_
