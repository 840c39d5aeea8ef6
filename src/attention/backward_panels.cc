// Backward attention with the queries in the lanes (panel.h): from the weights P and the score gradients dS
// of a tile (backward_panel-inl.h)
//
//   dV += P^T dO        dK += dS^T Q        dQ += dS K
//
// A group of panels walks over the tiles of keys; dQ stays beside it in scratch, dK and dV are added to in
// place, by all queries of the group at once: their sums are loaded and stored the less often.
#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/backward_panels.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <algorithm>
#include <optional>

#include "attention/backward_panel-inl.h"
#include "attention/kernels.h"
#include "hwy/highway.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// C [rows, width] += A [rows, depth] B [depth, width padded], where C's rows are a tensor's and end at
/// `width`.
HWY_INLINE void add_product(const RowMajor a, int rows, int depth, const Right b, const Target c,
                            int64_t width) {
  const int whole = static_cast<int>(width) / kLanes;
  wide_product<Onto::kTarget>(a, rows, depth, b, c, whole);
  const int rest = static_cast<int>(width) % kLanes;
  if (rest == 0) return;
  float tail[kTileKeys * kLanes];
  product<Onto::kNothing, 1>(a, rows, depth, Right{b.data + whole * kLanes, b.stride}, Target{tail, kLanes});
  for (int r = 0; r < rows; ++r) {
    for (int d = 0; d < rest; ++d) c.data[r * c.stride + whole * kLanes + d] += tail[r * kLanes + d];
  }
}

/// One pair of blocks of one key/value head.
class BackwardBlock {
 public:
  BackwardBlock(const BackwardProblem<float>& problem, const BackwardPair& pair, float* scratch)
      : p_(problem),
        pair_(pair),
        query_begin_(pair.query_block * kBackwardQueries),
        query_end_(std::min(query_begin_ + kBackwardQueries, problem.sizes.Tq)),
        key_begin_(pair.key_block * kBackwardKeys),
        key_end_(std::min(key_begin_ + kBackwardKeys, problem.sizes.Tk)),
        query_gradient_(scratch),
        query_rows_(query_gradient_ + problem.sizes.D * kWidestPanel),
        gradient_rows_(query_rows_ + padded_width(problem.sizes.D) * kWidestPanel),
        head_scratch_(gradient_rows_ + padded_width(problem.sizes.Dv) * kWidestPanel),
        wide_(head_scratch_ + head_gradients_scratch(problem.sizes, form_of(problem))) {}

  void run() {
    if (pair_.first_for_keys) clear_keys();
    load_keys();
    const int64_t group = p_.sizes.group();
    for (int64_t h = pair_.kv_head * group; h < (pair_.kv_head + 1) * group; ++h) {
      if (pair_.first_for_queries) clear_queries(h);
      HeadGradients head(p_, pair_.b, h, head_scratch_);
      for (int64_t block = query_begin_; block < query_end_; block += kBlockQueries) {
        const int queries = static_cast<int>(std::min<int64_t>(kBlockQueries, query_end_ - block));
        const PanelPlan plan(queries, kLanes);
        for (const Panel* panel = plan.begin(); panel != plan.end(); panel = group_.last) {
          group_ = plan.group(panel);
          run_group(head, h, block + panel->lane);
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

  void clear_queries(int64_t h) {
    for (int64_t i = query_begin_; i < query_end_; ++i) {
      std::fill_n(p_.query_gradient.row(pair_.b, h, i), p_.sizes.D, 0.0f);
    }
  }

  /// The keys and values that some query of the block may see. All heads see the same but for boolean masks.
  void load_keys() {
    const HeadMask mask = p_.mask.head(pair_.b, pair_.kv_head * p_.sizes.group());
    seen_ = {std::max(key_begin_, mask.key_begin(query_begin_)),
             std::min(key_end_, mask.key_end(query_end_ - 1))};
    const int64_t count = seen_.end - seen_.begin;
    if (count <= 0) return;
    float* wide_values = wide_ + wide_scratch(kBackwardKeys, p_.sizes.D, !p_.key.in_place());
    keys_ = wide_rows(p_.key, pair_.b, pair_.kv_head, seen_.begin, count, wide_);
    values_ = wide_rows(p_.value, pair_.b, pair_.kv_head, seen_.begin, count, wide_values);
  }

  void run_group(HeadGradients& head, int64_t h, int64_t query) {
    const int64_t begin = std::max(seen_.begin, head.mask().key_begin(query));
    const int64_t end = std::min(seen_.end, head.mask().key_end(query + group_.queries() - 1));
    if (end <= begin) return;
    query_ = query;
    load_rows(h, query);
    head.load_panels(query, group_, RowMajor{query_rows_, padded_width(p_.sizes.D)},
                     RowMajor{gradient_rows_, padded_width(p_.sizes.Dv)});
    std::fill_n(query_gradient_, p_.sizes.D * head.stride(), 0.0f);
    for (int64_t key = begin; key < end; key += kTileKeys) {
      run_tile(head, key, static_cast<int>(std::min<int64_t>(kTileKeys, end - key)));
    }
    float ones[kWidestPanel];
    std::fill_n(ones, kWidestPanel, 1.0f);
    for (const Panel& panel : group_) {
      const int lane = group_.before(panel);
      lanes_to_rows<Write::kAdd>(query_gradient_ + p_.sizes.D * lane, panel, p_.sizes.D, ones,
                                 p_.query_gradient.row(pair_.b, h, query + lane), p_.query_gradient.step);
    }
  }

  void load_rows(int64_t h, int64_t query) {
    const Sizes& n = p_.sizes;
    for (int i = 0; i < group_.queries(); ++i) {
      load_row(p_.query, h, query + i, query_rows_ + i * padded_width(n.D));
      load_row(p_.output_gradient, h, query + i, gradient_rows_ + i * padded_width(n.Dv));
    }
    rows_finite_.reset();
  }

  /// Row (h, t), padded with zeros to whole vectors.
  void load_row(const InputRows<float>& rows, int64_t h, int64_t t, float* to) {
    const float* from = wide_rows(rows, pair_.b, h, t, 1, to).data;
    if (from != to) std::copy_n(from, rows.width, to);
    std::fill(to + rows.width, to + padded_width(rows.width), 0.0f);
  }

  /// Adds what the group's queries and a tile of keys owe each other.
  void run_tile(HeadGradients& head, int64_t key, int keys) {
    PanelGroup ready = {group_.first, group_.first};  // whose weights wait for add_to_keys()
    for (const Panel& panel : group_) {
      bool made = false;
      with_vectors(panel, [&]<int NV>() HWY_ATTR {
        made = add_to_queries<NV>(head, panel, key, keys_reached(head, panel, key, keys));
      });
      ready.last = &panel + 1;
      if (made) continue;
      add_to_keys(head, {ready.first, &panel}, key, keys);
      ready.first = ready.last;
    }
    add_to_keys(head, ready, key, keys);
  }

  int keys_reached(const HeadGradients& head, const Panel& panel, int64_t key, int keys) const {
    return head.mask().keys_reached(query_ + group_.before(panel) + panel.queries - 1, key, keys);
  }

  /// Makes the tile of one panel, and adds to dQ. False where nothing is left to add to dK and dV.
  template <int NV>
  bool add_to_queries(HeadGradients& head, const Panel& panel, int64_t key, int keys) {
    const int lane = group_.before(panel);
    const RowMajor key_rows = keys_.from_row(key - seen_.begin);
    const TileClass seen =
        head.tile<Respect::kProduct, NV>(panel, key, keys, key_rows, values_.from_row(key - seen_.begin));
    if (seen == TileClass::kSkip) return false;
    if (seen == TileClass::kPartial && !operands_finite(key_rows, keys)) {
      add_visible(head, panel, key, keys, key_rows);
      return false;
    }
    product<Onto::kTarget, NV>(ColumnMajor{key_rows.data, key_rows.stride}, p_.sizes.D, keys,
                               Right{head.gradients() + lane, head.stride()},
                               Target{query_gradient_ + p_.sizes.D * lane, NV * kLanes});
    return true;
  }

  /// dV and dK from panels of the group. Later ones see as many keys or more: each key is met by the panels
  /// from the first that reaches it on.
  void add_to_keys(const HeadGradients& head, const PanelGroup& panels, int64_t key, int keys) {
    int done = 0;
    for (const Panel* panel = panels.first; panel != panels.last && done < keys; ++panel) {
      const int reached = keys_reached(head, *panel, key, keys);
      if (reached > done) add_to_keys(head, {panel, panels.last}, key, {done, reached});
      done = std::max(done, reached);
    }
  }

  /// Of the tile that begins at `key`, to keys [keys.begin, keys.end).
  void add_to_keys(const HeadGradients& head, const PanelGroup& panels, int64_t key, const Range& keys) {
    const Sizes& n = p_.sizes;
    const int lane = group_.before(*panels.first), count = static_cast<int>(keys.end - keys.begin);
    const int64_t at = keys.begin * head.stride() + lane;
    const int64_t width = padded_width(n.D), value_width = padded_width(n.Dv);
    add_product(RowMajor{head.weights() + at, head.stride()}, count, panels.queries(),
                Right{gradient_rows_ + lane * value_width, value_width}, value_gradient(key + keys.begin),
                n.Dv);
    add_product(RowMajor{head.gradients() + at, head.stride()}, count, panels.queries(),
                Right{query_rows_ + lane * width, width}, key_gradient(key + keys.begin), n.D);
  }

  Target value_gradient(int64_t key) const {
    return {p_.value_gradient.row(pair_.b, pair_.kv_head, key), p_.value_gradient.step};
  }
  Target key_gradient(int64_t key) const {
    return {p_.key_gradient.row(pair_.b, pair_.kv_head, key), p_.key_gradient.step};
  }

  bool operands_finite(const RowMajor key_rows, int keys) {
    const Sizes& n = p_.sizes;
    if (!rows_finite_) {
      rows_finite_ = all_finite(query_rows_, padded_width(n.D), group_.queries(), n.D) &&
                     all_finite(gradient_rows_, padded_width(n.Dv), group_.queries(), n.Dv);
    }
    return *rows_finite_ && all_finite(key_rows.data, key_rows.stride, keys, n.D);
  }

  /// The three sums where a masked operand may be NaN or infinite, which a factor of 0 does not silence:
  /// masked pairs are not multiplied at all.
  void add_visible(const HeadGradients& head, const Panel& panel, int64_t key, int keys, const RowMajor k) {
    const Sizes& n = p_.sizes;
    const int lane = group_.before(panel), lanes = panel.vectors * kLanes;
    float* query_sums = query_gradient_ + n.D * lane;
    const Target value_sums = value_gradient(key), key_sums = key_gradient(key);
    for (int j = 0; j < keys; ++j) {
      for (int i = 0; i < panel.queries; ++i) {
        if ((head.columns()[j] >> i & 1) == 0) continue;
        const int64_t at = j * head.stride() + lane + i;
        const float p = head.weights()[at], ds = head.gradients()[at];
        const float* query = query_rows_ + (lane + i) * padded_width(n.D);
        const float* gradient = gradient_rows_ + (lane + i) * padded_width(n.Dv);
        for (int64_t d = 0; d < n.Dv; ++d) value_sums.data[j * value_sums.stride + d] += p * gradient[d];
        for (int64_t d = 0; d < n.D; ++d) key_sums.data[j * key_sums.stride + d] += ds * query[d];
        for (int64_t d = 0; d < n.D; ++d) query_sums[d * lanes + i] += ds * k.at(j, d);
      }
    }
  }

  const BackwardProblem<float>& p_;
  const BackwardPair pair_;
  const int64_t query_begin_, query_end_, key_begin_, key_end_;
  PanelGroup group_ = {};            // the group at hand
  int64_t query_ = 0;                // its first query
  std::optional<bool> rows_finite_;  // whether its rows are, once somebody asked
  float* const query_gradient_;      // a panel after the other, each [D, lanes]
  float* const query_rows_;          // [queries, D padded]
  float* const gradient_rows_;       // [queries, Dv padded] of dO
  float* const head_scratch_;
  float* const wide_;                 // copied keys and values
  Range seen_ = {};                   // keys that some query of the block may see
  RowMajor keys_ = {}, values_ = {};  // from seen_.begin on
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

size_t backward_panels_scratch(const Sizes& n, const RowForm& form) {
  return static_cast<size_t>(kWidestPanel * (n.D + padded_width(n.D) + padded_width(n.Dv)) +
                             head_gradients_scratch(n, form) +
                             wide_scratch(kBackwardKeys, n.D, form.copies_keys()) +
                             wide_scratch(kBackwardKeys, n.Dv, form.narrow()));
}

}  // namespace attend
#endif
