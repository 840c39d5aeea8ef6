// Backward attention with the queries in the lanes (panel.h). The weights are recomputed from lse, tile by
// tile:
//
//   P  = 2^(S - lse)                     dV += P^T dO
//   dS = scale P (dO V^T - <dO, O>)      dK += dS^T Q        dQ += dS K
//
// A panel of queries walks over the tiles of keys; dQ stays beside it in scratch, dK and dV are added to in
// place.
#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/backward_panels.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <algorithm>
#include <numbers>

#include "attention/kernels.h"
#include "attention/panel.h"
#include "attention/product-inl.h"
#include "attention/transpose-inl.h"
#include "hwy/highway.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// From scores and <dO, v> to weights and score gradients, in place; 0 where masked, whatever the operands
/// were.
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

/// C [rows, width] += A [rows, depth] B [depth, width padded], where C's rows are a tensor's and end at
/// `width`.
HWY_INLINE void add_product(const RowMajor a, int rows, int depth, const Right b, const Target c,
                            int64_t width) {
  const int whole = static_cast<int>(width) / kLanes;
  wide_product<From::kTarget>(a, rows, depth, b, c, whole);
  const int rest = static_cast<int>(width) % kLanes;
  if (rest == 0) return;
  float tail[kTileKeys * kLanes];
  product<From::kZero, 1>(a, rows, depth, Right{b.data + whole * kLanes, b.stride}, Target{tail, kLanes});
  for (int r = 0; r < rows; ++r) {
    for (int d = 0; d < rest; ++d) c.data[r * c.stride + whole * kLanes + d] += tail[r * kLanes + d];
  }
}

/// The queries of one panel, laid out both ways.
struct BackwardPanel {
  int64_t h;      // query head
  int64_t query;  // first query
  Panel panel;
  float* query_lanes;     // [D, lanes], multiplied by scale * log2(e)
  float* gradient_lanes;  // [Dv, lanes] of dO
  float* query_rows;      // [queries, D padded]
  float* gradient_rows;   // [queries, Dv padded] of dO
  float* query_gradient;  // [D, lanes]
  float* lse;             // [lanes], in units of log 2
  float* mean;            // [lanes], <dO, O>
};

/// One pair of blocks of one key/value head.
class BackwardBlock {
 public:
  BackwardBlock(const BackwardProblem<float>& problem, const BackwardPair& pair, float* scratch)
      : p_(problem),
        pair_(pair),
        query_begin_(pair.query_block * kBackwardQueries),
        query_end_(std::min(query_begin_ + kBackwardQueries, problem.sizes.Tq)),
        key_begin_(pair.key_block * kBackwardKeys),
        key_end_(std::min(key_begin_ + kBackwardKeys, problem.sizes.Tk)) {
    const Sizes& n = problem.sizes;
    const auto take = [&scratch](int64_t floats) {
      float* taken = scratch;
      scratch += floats;
      return taken;
    };
    q_.query_lanes = take(n.D * kWidestPanel);
    q_.gradient_lanes = take(n.Dv * kWidestPanel);
    q_.query_gradient = take(n.D * kWidestPanel);
    q_.query_rows = take(padded_width(n.D) * kWidestPanel);
    q_.gradient_rows = take(padded_width(n.Dv) * kWidestPanel);
    q_.lse = take(kWidestPanel);
    q_.mean = take(kWidestPanel);
    weights_ = take(kTileKeys * kWidestPanel);
    gradients_ = take(kTileKeys * kWidestPanel);
  }

  void run() {
    if (pair_.first_for_keys) clear_keys();
    const int64_t group = p_.sizes.group();
    for (q_.h = pair_.kv_head * group; q_.h < (pair_.kv_head + 1) * group; ++q_.h) {
      if (pair_.first_for_queries) clear_queries();
      for (int64_t block = query_begin_; block < query_end_; block += kBlockQueries) {
        const int queries = static_cast<int>(std::min<int64_t>(kBlockQueries, query_end_ - block));
        for (const Panel& panel : PanelPlan(queries, kLanes)) {
          q_.panel = panel;
          q_.query = block + panel.lane;
          run_panel();
        }
      }
    }
  }

 private:
  void clear_keys() {
    for (int64_t j = key_begin_; j < key_end_; ++j) {
      std::fill_n(p_.key_gradient.row(pair_.b, pair_.kv_head, j), p_.sizes.D, 0.0f);
      std::fill_n(p_.value_gradient.row(pair_.b, pair_.kv_head, j), p_.sizes.Dv, 0.0f);
    }
  }

  void clear_queries() {
    for (int64_t i = query_begin_; i < query_end_; ++i) {
      std::fill_n(p_.query_gradient.row(pair_.b, q_.h, i), p_.sizes.D, 0.0f);
    }
  }

  void run_panel() {
    const HeadMask mask = p_.mask.head(pair_.b, q_.h);
    const int64_t end = std::min(key_end_, mask.key_end(q_.query + q_.panel.queries - 1));
    if (end <= key_begin_) return;
    load_panel();
    for (int64_t key = key_begin_; key < end; key += kTileKeys) {
      const int keys = static_cast<int>(std::min<int64_t>(kTileKeys, end - key));
      switch (q_.panel.vectors) {
        case 1:
          tile<1>(mask, key, keys);
          break;
        case 2:
          tile<2>(mask, key, keys);
          break;
        case 3:
          tile<3>(mask, key, keys);
          break;
      }
    }
    float ones[kWidestPanel];
    std::fill_n(ones, kWidestPanel, 1.0f);
    lanes_to_rows<Write::kAdd>(q_.query_gradient, q_.panel, p_.sizes.D, ones,
                               p_.query_gradient.row(pair_.b, q_.h, q_.query), p_.query_gradient.step);
  }

  void load_panel() {
    const Sizes& n = p_.sizes;
    const int stride = q_.panel.vectors * kLanes;
    const float* query = p_.query.row(pair_.b, q_.h, q_.query);
    const float* gradient = p_.output_gradient.row(pair_.b, q_.h, q_.query);
    rows_to_lanes(query, p_.query.step, q_.panel, n.D, p_.scale * std::numbers::log2e_v<float>,
                  q_.query_lanes);
    rows_to_lanes(gradient, p_.output_gradient.step, q_.panel, n.Dv, 1.0f, q_.gradient_lanes);
    std::fill_n(q_.query_gradient, n.D * stride, 0.0f);
    // Lanes without a query, and queries without a key, weigh nothing: 2^(s - inf) = 0.
    std::fill_n(q_.lse, stride, kInfinity);
    for (int i = 0; i < q_.panel.queries; ++i) {
      copy_padded(query + i * p_.query.step, n.D, q_.query_rows + i * padded_width(n.D));
      copy_padded(gradient + i * p_.output_gradient.step, n.Dv, q_.gradient_rows + i * padded_width(n.Dv));
      const float lse = *p_.lse.row(pair_.b, q_.h, q_.query + i);
      if (lse != -kInfinity) q_.lse[i] = static_cast<float>(double{lse} * std::numbers::log2e);
    }
    load_means();
  }

  /// <dO, O> of each lane, feature after feature as <dO, v> is summed: a query with a single key gets a score
  /// gradient of exactly 0.
  void load_means() {
    const int stride = q_.panel.vectors * kLanes;
    const float* output = p_.output.row(pair_.b, q_.h, q_.query);
    std::fill_n(q_.mean, stride, 0.0f);
    for (int64_t first = 0; first < p_.sizes.Dv; first += kTileKeys) {
      const int64_t width = std::min<int64_t>(kTileKeys, p_.sizes.Dv - first);
      rows_to_lanes(output + first, p_.output.step, q_.panel, width, 1.0f, weights_);
      for (int v = 0; v < q_.panel.vectors; ++v) {
        Vec mean = load(q_.mean + v * kLanes);
        for (int64_t d = 0; d < width; ++d) {
          const float* gradient = q_.gradient_lanes + (first + d) * stride + v * kLanes;
          mean = hn::MulAdd(load(weights_ + d * stride + v * kLanes), load(gradient), mean);
        }
        store(mean, q_.mean + v * kLanes);
      }
    }
  }

  static void copy_padded(const float* from, int64_t width, float* to) {
    std::copy_n(from, width, to);
    std::fill(to + width, to + padded_width(width), 0.0f);
  }

  template <int NV>
  void tile(const HeadMask& mask, int64_t key, int keys) {
    constexpr ptrdiff_t kStride = NV * kLanes;
    const Sizes& n = p_.sizes;
    uint64_t columns[kTileKeys];
    const TileClass seen = mask.tile(q_.query, q_.panel.queries, key, keys, columns);
    if (seen == TileClass::kSkip) return;

    const float* key_rows = p_.key.row(pair_.b, pair_.kv_head, key);
    const float* value_rows = p_.value.row(pair_.b, pair_.kv_head, key);
    product<From::kZero, NV>(RowMajor{key_rows, p_.key.step}, keys, n.D, Right{q_.query_lanes, kStride},
                             Target{weights_, kStride});
    product<From::kZero, NV>(RowMajor{value_rows, p_.value.step}, keys, n.Dv,
                             Right{q_.gradient_lanes, kStride}, Target{gradients_, kStride});
    if (seen == TileClass::kFull) {
      score_gradients<NV, false>(keys, columns, q_.lse, q_.mean, p_.scale, weights_, gradients_);
    } else {
      score_gradients<NV, true>(keys, columns, q_.lse, q_.mean, p_.scale, weights_, gradients_);
      if (!operands_finite(key_rows, keys)) return add_visible(key, keys, columns);
    }
    add_product(RowMajor{weights_, kStride}, keys, q_.panel.queries,
                Right{q_.gradient_rows, padded_width(n.Dv)}, value_gradient(key), n.Dv);
    add_product(RowMajor{gradients_, kStride}, keys, q_.panel.queries,
                Right{q_.query_rows, padded_width(n.D)}, key_gradient(key), n.D);
    product<From::kTarget, NV>(ColumnMajor{key_rows, p_.key.step}, n.D, keys, Right{gradients_, kStride},
                               Target{q_.query_gradient, kStride});
  }

  Target value_gradient(int64_t key) const {
    return {p_.value_gradient.row(pair_.b, pair_.kv_head, key), p_.value_gradient.step};
  }
  Target key_gradient(int64_t key) const {
    return {p_.key_gradient.row(pair_.b, pair_.kv_head, key), p_.key_gradient.step};
  }

  bool operands_finite(const float* key_rows, int keys) const {
    const Sizes& n = p_.sizes;
    return all_finite(key_rows, p_.key.step, keys, n.D) &&
           all_finite(q_.query_rows, padded_width(n.D), q_.panel.queries, n.D) &&
           all_finite(q_.gradient_rows, padded_width(n.Dv), q_.panel.queries, n.Dv);
  }

  /// The three sums where a masked operand may be NaN or infinite, which a factor of 0 does not silence:
  /// masked pairs are not multiplied at all.
  void add_visible(int64_t key, int keys, const uint64_t* columns) {
    const Sizes& n = p_.sizes;
    const int stride = q_.panel.vectors * kLanes;
    const Target values = value_gradient(key), key_rows = key_gradient(key);
    for (int j = 0; j < keys; ++j) {
      const float* k = p_.key.row(pair_.b, pair_.kv_head, key + j);
      for (int i = 0; i < q_.panel.queries; ++i) {
        if ((columns[j] >> i & 1) == 0) continue;
        const float p = weights_[j * stride + i], ds = gradients_[j * stride + i];
        const float* query = q_.query_rows + i * padded_width(n.D);
        const float* gradient = q_.gradient_rows + i * padded_width(n.Dv);
        for (int64_t d = 0; d < n.Dv; ++d) values.data[j * values.stride + d] += p * gradient[d];
        for (int64_t d = 0; d < n.D; ++d) key_rows.data[j * key_rows.stride + d] += ds * query[d];
        for (int64_t d = 0; d < n.D; ++d) q_.query_gradient[d * stride + i] += ds * k[d];
      }
    }
  }

  const BackwardProblem<float>& p_;
  const BackwardPair pair_;
  const int64_t query_begin_, query_end_, key_begin_, key_end_;
  BackwardPanel q_ = {};
  float* weights_;    // [kTileKeys, lanes]: scores, then weights
  float* gradients_;  // [kTileKeys, lanes]: <dO, v>, then score gradients
};

void backward_pair(const BackwardProblem<float>& problem, const BackwardPair& pair, float* scratch) {
  BackwardBlock(problem, pair, scratch).run();
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace attend {

BackwardKernel backward_panels(Isa isa) {
  return ATTEND_CHOOSE_KERNEL(isa, backward_pair);
}

size_t backward_panels_scratch(const Sizes& n) {
  return static_cast<size_t>(kWidestPanel *
                             (2 * n.D + n.Dv + padded_width(n.D) + padded_width(n.Dv) + 2 + 2 * kTileKeys));
}

}  // namespace attend
#endif
