// What becomes of the weights when a caller wants them in brief: their mean over heads, and their sums over
// queries.
//
// A second pass over the scores, after the forward pass has left every row's maximum and sum: only then is
// the size of a weight known, and keeping the scores would take Hq times the memory. Each work item owns some
// elements of a result and adds to them in the order of heads, or of queries.
#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/weight_summaries.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <algorithm>

#include "attention/kernels.h"
#include "attention/narrow-inl.h"
#include "attention/product-inl.h"
#include "attention/score_rule-inl.h"
#include "attention/tile-inl.h"
#include "attention/transpose-inl.h"
#include "attention/weights-inl.h"
#include "hwy/highway.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// The weights of one query head, a panel of queries by a tile of keys at a time.
class HeadWeights {
 public:
  HeadWeights(const ForwardProblem<float>& problem, int64_t b, int64_t h, float* scratch)
      : p_(problem),
        b_(b),
        h_(h),
        mask_(problem.mask.head(b, h)),
        rule_(problem.rule.head(b, h)),
        query_lanes_(scratch),
        weights_(query_lanes_ + problem.sizes.D * kWidestPanel),
        wide_(weights_ + kTileKeys * kWidestPanel) {}

  const float* weights() const { return weights_; }  // [keys, lanes], P^T; 0 in lanes without a query

  /// Calls body(panel, query, key, keys) for every tile of queries [first, last) and of `keys` of which
  /// something is seen.
  template <class Body>
  void for_each_tile(int64_t first, int64_t last, const Range& keys, const Body& body) {
    for (int64_t block = first; block < last; block += kBlockQueries) {
      const int queries = static_cast<int>(std::min<int64_t>(kBlockQueries, last - block));
      for (const Panel& panel : PanelPlan(queries, kLanes)) {
        const int64_t query = block + panel.lane;
        const int64_t begin = std::max(keys.begin, mask_.key_begin(query));
        const int64_t end = std::min(keys.end, mask_.key_end(query + panel.queries - 1));
        if (begin >= end) continue;
        load_panel(query, panel);
        for (int64_t key = begin; key < end; key += kTileKeys) {
          const Tile t = {query, panel, key, static_cast<int>(std::min<int64_t>(kTileKeys, end - key))};
          with_vectors(panel, [&]<int NV>() HWY_ATTR {
            if (make<NV>(t)) body(t);
          });
        }
      }
    }
  }

 private:
  void load_panel(int64_t query, const Panel& panel) {
    const RowMajor rows = wide_rows(p_.query, b_, h_, query, panel.queries, wide_);
    rows_to_lanes(rows.data, rows.stride, panel, p_.sizes.D, query_factor(p_.scale, rule_), query_lanes_);
    // Lanes without a query have the last one's scores: 2^-inf is 0 where 2^s * 0 might not be.
    std::fill_n(shift_, kWidestPanel, kInfinity);
    std::fill_n(factor_, kWidestPanel, 0.0f);
    const RowEnd* ends = p_.row_end(b_, h_, query);
    for (int i = 0; i < panel.queries; ++i) {
      shift_[i] = shift_of(ends[i].max);
      factor_[i] = ends[i].sum == 0 ? 0.0f : 1.0f / ends[i].sum;
    }
  }

  template <int NV>
  bool make(const Tile& t) {
    constexpr ptrdiff_t kStride = NV * kLanes;
    uint64_t columns[kTileKeys];
    TileClass seen = mask_.tile(t.query, t.panel.queries, t.key, t.keys, columns);
    if (seen == TileClass::kSkip) return false;
    const int64_t kv = h_ / p_.sizes.group();
    deep_product<NV>(wide_rows(p_.key, b_, kv, t.key, t.keys, wide_), t.keys, p_.sizes.D,
                     Right{query_lanes_, kStride}, Target{weights_, kStride});
    if (rule_.changes_scores()) seen = apply_rule<NV>(rule_, t, seen, columns, weights_, nullptr);
    if (seen == TileClass::kSkip) return false;
    if (seen == TileClass::kPartial) mask_scores<NV>(weights_, t.keys, columns);
    for (int v = 0; v < NV; ++v) {
      const Vec shift = load(shift_ + v * kLanes), factor = load(factor_ + v * kLanes);
      for (int j = 0; j < t.keys; ++j) {
        float* s = weights_ + (j * NV + v) * kLanes;
        store(weights_of(load(s), shift, factor), s);
      }
    }
    return true;
  }

  const ForwardProblem<float>& p_;
  const int64_t b_, h_;
  const HeadMask mask_;
  const HeadRule<float> rule_;
  float shift_[kWidestPanel], factor_[kWidestPanel];
  float* const query_lanes_;  // [D, lanes]
  float* const weights_;      // [kTileKeys, lanes]
  float* const wide_;         // copied rows
};

/// The mean over heads for one batch row and a block of queries.
void head_mean_block(const ForwardProblem<float>& p, int64_t item, float* scratch) {
  const Sizes& n = p.sizes;
  const int64_t blocks = (n.Tq + kBlockQueries - 1) / kBlockQueries;
  const int64_t b = item / blocks, first = item % blocks * kBlockQueries,
                last = std::min(first + kBlockQueries, n.Tq);
  for (int64_t i = first; i < last; ++i) std::fill_n(p.head_mean.row(b, 0, i), n.Tk, 0.0f);
  float shares[kWidestPanel];
  std::fill_n(shares, kWidestPanel, 1.0f / static_cast<float>(n.Hq));
  for (int64_t h = 0; h < n.Hq; ++h) {
    HeadWeights head(p, b, h, scratch);
    head.for_each_tile(first, last, {0, n.Tk}, [&](const Tile& t) HWY_ATTR {
      lanes_to_rows<Write::kAdd>(head.weights(), t.panel, t.keys, shares,
                                 p.head_mean.row(b, 0, t.query) + t.key, p.head_mean.step);
    });
  }
}

/// The sums over all queries for one batch row, one head and a block of keys.
void column_sums_block(const ForwardProblem<float>& p, int64_t item, float* scratch) {
  const Sizes& n = p.sizes;
  const int64_t blocks = (n.Tk + kSummedKeys - 1) / kSummedKeys;
  const int64_t head_item = item / blocks, b = head_item / n.Hq, h = head_item % n.Hq;
  const Range keys = {item % blocks * kSummedKeys, std::min((item % blocks + 1) * kSummedKeys, n.Tk)};
  float* sums = scratch;  // [kSummedKeys, kLanes]
  std::fill_n(sums, kSummedKeys * kLanes, 0.0f);
  HeadWeights head(p, b, h, scratch + kSummedKeys * kLanes);
  head.for_each_tile(0, n.Tq, keys, [&](const Tile& t) HWY_ATTR {
    for (int j = 0; j < t.keys; ++j) {
      float* to = sums + (t.key - keys.begin + j) * kLanes;
      Vec sum = load(to);
      for (int v = 0; v < t.panel.vectors; ++v) {
        sum = hn::Add(sum, load(head.weights() + (j * t.panel.vectors + v) * kLanes));
      }
      store(sum, to);
    }
  });
  float* row = p.column_sums.row(b, h, 0);
  for (int64_t j = keys.begin; j < keys.end; ++j) {
    row[j] = hn::GetLane(hn::SumOfLanes(FloatTag(), load(sums + (j - keys.begin) * kLanes)));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace attend {

ForwardKernel head_mean_panels(Isa isa) {
  return ATTEND_CHOOSE_KERNEL(isa, head_mean_block);
}

ForwardKernel column_sums_panels(Isa isa) {
  return ATTEND_CHOOSE_KERNEL(isa, column_sums_block);
}

int64_t head_mean_items(const Sizes& n) {
  return n.B * ((n.Tq + kBlockQueries - 1) / kBlockQueries);
}

int64_t column_sums_items(const Sizes& n) {
  return n.B * n.Hq * ((n.Tk + kSummedKeys - 1) / kSummedKeys);
}

size_t weight_summaries_scratch(const Sizes& n, const RowForm& form) {
  return static_cast<size_t>((n.D + kTileKeys) * kWidestPanel + kSummedKeys * kWidestPanel / kPanelVectors +
                             wide_scratch(kTileKeys, n.D, form.copies_keys()));
}

}  // namespace attend
#endif
