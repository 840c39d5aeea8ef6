// The gradient of the bias: dS, summed over the axes along which the bias is broadcast.
//
// A pass of its own over the scores: each work item owns some elements of the result, zeros at first, and
// adds to them in the order of batch rows, heads, queries and keys. So nothing is added to from two places,
// and the sums have one order whatever the workers do.
#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/bias_gradient.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <algorithm>
#include <numeric>

#include "attention/backward_panel-inl.h"
#include "attention/kernels.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// The elements of the gradient that one work item owns, and the scores that they sum.
class BiasGradientBlock {
 public:
  BiasGradientBlock(const BackwardProblem<float>& problem, const BiasGradientItem& item, float* scratch)
      : p_(problem),
        item_(item),
        rows_(scratch),
        head_scratch_(rows_ + kWidestPanel * kTileKeys),
        wide_keys_(head_scratch_ + head_gradients_scratch(problem.sizes, form_of(problem))),
        wide_values_(wide_keys_ + wide_scratch(kTileKeys, problem.sizes.D, !problem.key.in_place())) {}

  void run() {
    for (int64_t b = item_.batch.begin; b < item_.batch.end; ++b) {
      for (int64_t h = item_.heads.begin; h < item_.heads.end; ++h) run_head(b, h);
    }
  }

 private:
  void run_head(int64_t b, int64_t h) {
    HeadGradients head(p_, b, h, head_scratch_);
    const int64_t kv = h / p_.sizes.group();
    for (int64_t block = item_.queries.begin; block < item_.queries.end; block += kBlockQueries) {
      const int queries = static_cast<int>(std::min<int64_t>(kBlockQueries, item_.queries.end - block));
      for (const Panel& panel : PanelPlan(queries, kLanes)) {
        const int64_t query = block + panel.lane;
        const int64_t begin = std::max(item_.keys.begin, head.mask().key_begin(query));
        const int64_t end = std::min(item_.keys.end, head.mask().key_end(query + panel.queries - 1));
        if (end <= begin) continue;
        // The rows of the queries and of their output gradients are needed no longer than this.
        head.load_panels(query, {&panel, &panel + 1},
                         wide_rows(p_.query, b, h, query, panel.queries, wide_keys_),
                         wide_rows(p_.output_gradient, b, h, query, panel.queries, wide_values_));
        for (int64_t key = begin; key < end; key += kTileKeys) {
          const int keys = static_cast<int>(std::min<int64_t>(kTileKeys, end - key));
          const RowMajor key_rows = wide_rows(p_.key, b, kv, key, keys, wide_keys_),
                         value_rows = wide_rows(p_.value, b, kv, key, keys, wide_values_);
          with_vectors(panel, [&]<int NV>() HWY_ATTR {
            const TileClass seen = head.tile<Respect::kScore, NV>(panel, key, keys, key_rows, value_rows);
            if (seen == TileClass::kSkip) return;
            add_tile(head.gradients(), panel, keys, p_.bias_gradient.at(b, h, query, key));
          });
        }
      }
    }
  }

  /// Adds a tile [keys, lanes] to the elements from `first` on.
  void add_tile(const float* gradients, const Panel& panel, int keys, float* first) {
    float ones[kWidestPanel];
    std::fill_n(ones, kWidestPanel, 1.0f);
    lanes_to_rows<Write::kReplace>(gradients, panel, keys, ones, rows_, kTileKeys);
    const int64_t query_stride = p_.bias_gradient.stride[2], key_stride = p_.bias_gradient.stride[3];
    for (int i = 0; i < panel.queries; ++i) {
      const float* row = rows_ + i * kTileKeys;
      float* to = first + i * query_stride;
      if (key_stride == 0) {
        *to += std::accumulate(row, row + keys, 0.0f);
      } else if (key_stride == 1) {
        for (int j = 0; j < keys; ++j) to[j] += row[j];
      } else {
        for (int j = 0; j < keys; ++j) to[j * key_stride] += row[j];
      }
    }
  }

  const BackwardProblem<float>& p_;
  const BiasGradientItem item_;
  float* const rows_;  // [queries, kTileKeys]
  float* const head_scratch_;
  float* const wide_keys_;    // copied keys of a tile
  float* const wide_values_;  // and values
};

void bias_gradient_block(const BackwardProblem<float>& problem, const BiasGradientItem& item,
                         float* scratch) {
  BiasGradientBlock(problem, item, scratch).run();
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace attend {
namespace {

constexpr int kOwnedQueries = 192;  // whose elements are one work item's

/// How an axis of the scores is divided among work items.
struct Division {
  int64_t size, step;
  int64_t parts() const { return (size + step - 1) / step; }
  Range part(int64_t n) const { return {n * step, std::min((n + 1) * step, size)}; }
};

/// An axis that is summed stays whole; the others are cut, but queries or keys alone: one of them is enough.
struct Divisions {
  explicit Divisions(const Sizes& n, const Shape& shape)
      : batch{n.B, shape[0] == n.B ? 1 : n.B},
        heads{n.Hq, shape[1] == n.Hq ? 1 : n.Hq},
        queries{n.Tq, shape[2] == n.Tq ? kOwnedQueries : n.Tq},
        keys{n.Tk, shape[2] != n.Tq && shape[3] == n.Tk ? kBackwardKeys : n.Tk} {}
  Division batch, heads, queries, keys;
};

}  // namespace

BiasGradientKernel bias_gradient_panels(Isa isa) {
  return ATTEND_CHOOSE_KERNEL(isa, bias_gradient_block);
}

int64_t bias_gradient_items(const Sizes& n, const Shape& shape) {
  const Divisions d(n, shape);
  return d.batch.parts() * d.heads.parts() * d.queries.parts() * d.keys.parts();
}

BiasGradientItem bias_gradient_item(const Sizes& n, const Shape& shape, int64_t item) {
  const Divisions d(n, shape);
  const int64_t k = item % d.keys.parts();
  item /= d.keys.parts();
  const int64_t q = item % d.queries.parts();
  item /= d.queries.parts();
  return {.batch = d.batch.part(item / d.heads.parts()),
          .heads = d.heads.part(item % d.heads.parts()),
          .queries = d.queries.part(q),
          .keys = d.keys.part(k)};
}

size_t bias_gradient_scratch(const Sizes& n, const RowForm& form) {
  return static_cast<size_t>(int64_t{kWidestPanel} * kTileKeys + head_gradients_scratch(n, form) +
                             wide_scratch(kTileKeys, n.D, form.copies_keys()) +
                             wide_scratch(kTileKeys, n.Dv, form.narrow()));
}

}  // namespace attend
#endif
