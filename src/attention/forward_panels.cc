// Forward attention with the queries in the lanes (panel.h), tile of keys by tile of keys, with the online
// softmax of Milakov and Gimelshein (2018). Scores are in units of log 2: the queries are multiplied by scale
// * log2(e) once (score_rule-inl.h), and every exponential is a power of two.
#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/forward_panels.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <cmath>
#include <cstring>
#include <limits>

#include "attention/dropout-inl.h"
#include "attention/forward_operands-inl.h"
#include "attention/kernels.h"
#include "attention/log2_units.h"
#include "attention/narrow-inl.h"
#include "attention/panel.h"
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

/// Turns a tile of scores into unnormalised weights 2^(s - max), and brings the running maximum and sum of
/// each lane up to date; `decay` is what the sums so far must be multiplied by.
template <int NV>
HWY_INLINE void online_softmax(float* scores, int keys, float* max, float* sum, float* decay) {
  const Vec nothing = broadcast(-kInfinity);
  Vec shift[NV], total[NV];
  for (int v = 0; v < NV; ++v) shift[v] = load(max + v * kLanes);
  for (int j = 0; j < keys; ++j) {
    for (int v = 0; v < NV; ++v) shift[v] = hn::Max(shift[v], load(scores + (j * NV + v) * kLanes));
  }
  for (int v = 0; v < NV; ++v) {
    const Vec old = load(max + v * kLanes);
    store(shift[v], max + v * kLanes);
    // A lane that has seen no key yet subtracts 0: -inf - -inf would be NaN.
    shift[v] = hn::IfThenZeroElse(hn::Eq(shift[v], nothing), shift[v]);
    const Vec lost = exp2(hn::Sub(old, shift[v]));
    store(lost, decay + v * kLanes);
    total[v] = hn::Zero(FloatTag());
  }
  for (int j = 0; j < keys; ++j) {
    for (int v = 0; v < NV; ++v) {
      float* s = scores + (j * NV + v) * kLanes;
      const Vec p = exp2(hn::Sub(load(s), shift[v]));
      total[v] = hn::Add(total[v], p);
      store(p, s);
    }
  }
  for (int v = 0; v < NV; ++v) {
    store(hn::MulAdd(load(sum + v * kLanes), load(decay + v * kLanes), total[v]), sum + v * kLanes);
  }
}

/// One block of queries of one head. Operands as in forward_operands-inl.h.
template <class Operands>
class ForwardBlock {
 public:
  ForwardBlock(const ForwardProblem<float>& problem, int64_t b, int64_t h, int64_t first, float* scratch)
      : p_(problem),
        b_(b),
        h_(h),
        first_(first),
        queries_(
            static_cast<int>(std::min<int64_t>(form_of(problem).block_queries(), problem.sizes.Tq - first))),
        plan_(queries_, kLanes),
        mask_(problem.mask.head(b, h)),
        rule_(problem.rule.head(b, h)),
        dropout_(problem.dropout.head(b, h)),
        query_lanes_(scratch),
        output_lanes_(query_lanes_ + problem.sizes.D * plan_.width()),
        max_(output_lanes_ + problem.sizes.Dv * plan_.width()),
        sum_(max_ + kLargestBlock),
        decay_(sum_ + kLargestBlock),
        scores_(decay_ + kWidestPanel),
        spare_(scores_ + kTileKeys * kWidestPanel),
        operands_(problem, b, h, query_factor(problem.scale, rule_), spare_) {}

  void run() {
    start();
    const int64_t end = mask_.key_end(first_ + queries_ - 1);
    int keys = 0;
    // Tiles end at multiples of their size, so that no bit depends on where blocks of queries begin.
    for (int64_t key = mask_.key_begin(first_); key < end; key += keys) {
      keys = static_cast<int>(std::min<int64_t>(kTileKeys - key % kTileKeys, end - key));
      operands_.load_tile(key, keys);
      for (const Panel& panel : plan_) {
        const int reached = keys_reached(panel, key, keys);
        if (reached != 0) with_vectors(panel, [&]<int NV>() HWY_ATTR { tile<NV>(panel, key, reached); });
      }
    }
    for (const Panel& panel : plan_) finish(panel);
  }

 private:
  void start() {
    for (const Panel& panel : plan_) {
      operands_.load_queries(first_ + panel.lane, panel, query_lanes_ + p_.sizes.D * panel.lane);
    }
    std::fill_n(output_lanes_, p_.sizes.Dv * plan_.width(), 0.0f);
    if (dropout_.active()) load_words(dropout_, first_, plan_.width(), words_);
    std::fill_n(max_, plan_.width(), -kInfinity);
    std::fill_n(sum_, plan_.width(), 0.0f);
    if (!p_.weights.present()) return;
    for (int i = 0; i < queries_; ++i)
      std::fill_n(p_.weights.row(b_, h_, first_ + i), p_.sizes.Tk, -kInfinity);
  }

  /// In whole blocks of product().
  int keys_reached(const Panel& panel, int64_t key, int keys) const {
    const int reached = mask_.keys_reached(first_ + panel.lane + panel.queries - 1, key, keys);
    return std::min((reached + 3) / 4 * 4, keys);
  }

  template <int NV>
  void tile(const Panel& panel, int64_t key, int keys) {
    constexpr ptrdiff_t kStride = NV * kLanes;
    uint64_t columns[kTileKeys];
    TileClass seen = mask_.tile(first_ + panel.lane, panel.queries, key, keys, columns);
    if (seen == TileClass::kSkip) return;

    operands_.template score<NV>(query_lanes_ + p_.sizes.D * panel.lane, keys, scores_);
    if (rule_.changes_scores()) {
      seen = apply_rule<NV>(rule_, {first_ + panel.lane, panel, key, keys}, seen, columns, scores_, nullptr);
      if (seen == TileClass::kSkip) return;
    }
    if (seen == TileClass::kPartial) mask_scores<NV>(scores_, keys, columns);
    if (p_.weights.present()) keep_scores(panel, key, keys);
    online_softmax<NV>(scores_, keys, max_ + panel.lane, sum_ + panel.lane, decay_);
    if (dropout_.active()) drop<NV>(dropout_, words_, panel.lane, key, keys, scores_);

    float* output = output_lanes_ + p_.sizes.Dv * panel.lane;  // [Dv, lanes]
    if (seen == TileClass::kPartial && !operands_.values_are_finite(keys)) {
      add_visible_values<NV>(keys, columns, output);
    } else {
      operands_.template add_values<NV>(scores_, keys, Target{output, kStride, decay_});
    }
  }

  /// add_values() where a masked value may be NaN or infinite: its weight of 0 does not silence it, so it
  /// must not be multiplied at all. The other lanes' sums are the same, operation by operation.
  template <int NV>
  void add_visible_values(int keys, const uint64_t* columns, float* output) {
    for (int64_t d = 0; d < p_.sizes.Dv; ++d) {
      for (int v = 0; v < NV; ++v) {
        float* at = output + (d * NV + v) * kLanes;
        Vec sum = hn::Zero(FloatTag());
        for (int j = 0; j < keys; ++j) {
          const Vec more =
              hn::MulAdd(broadcast(operands_.value(j, d)), load(scores_ + (j * NV + v) * kLanes), sum);
          sum = hn::IfThenElse(mask_of(columns[j] >> (v * kLanes)), more, sum);
        }
        store(hn::MulAdd(load(at), load(decay_ + v * kLanes), sum), at);
      }
    }
  }

  void keep_scores(const Panel& panel, int64_t key, int keys) {
    float ones[kWidestPanel];
    std::fill_n(ones, kWidestPanel, 1.0f);
    lanes_to_rows<Write::kReplace>(scores_, panel, keys, ones,
                                   p_.weights.row(b_, h_, first_ + panel.lane) + key, p_.weights.step);
  }

  void finish(const Panel& panel) {
    float* max = max_ + panel.lane;
    float* sum = sum_ + panel.lane;
    float factors[kWidestPanel];
    for (int i = 0; i < panel.vectors * kLanes; ++i) factors[i] = 1.0f / sum[i];
    if (rule_.sink != -kInfinity) {
      for (int i = 0; i < panel.queries; ++i) factors[i] = end_row(to_log2_units(rule_.sink), max[i], sum[i]);
    }
    const int64_t query = first_ + panel.lane;
    if (p_.row_ends != nullptr) {
      for (int i = 0; i < panel.queries; ++i) *p_.row_end(b_, h_, query + i) = {max[i], sum[i]};
    }
    const Target made = wide_output(p_.output, b_, h_, query, spare_);
    lanes_to_rows<Write::kReplace>(output_lanes_ + p_.sizes.Dv * panel.lane, panel, p_.sizes.Dv, factors,
                                   made.data, made.stride);
    for (int i = 0; i < panel.queries; ++i) {
      if (sum[i] == 0) std::fill_n(made.data + i * made.stride, p_.sizes.Dv, 0.0f);
      if (p_.lse.present()) *p_.lse.row(b_, h_, query + i) = natural_lse(max[i], sum[i]);
      if (p_.weights.present())
        scores_to_weights(p_.weights.row(b_, h_, query + i), p_.sizes.Tk, max[i], sum[i]);
    }
    narrow_output(made, p_.output, b_, h_, query, panel.queries);
  }

  const ForwardProblem<float>& p_;
  const int64_t b_, h_;
  const int64_t first_;  // the block's first query
  const int queries_;
  const PanelPlan plan_;
  const HeadMask mask_;
  const HeadRule<float> rule_;
  const HeadDropout dropout_;
  QueryWords words_;           // of the block, if there is dropout
  float* const query_lanes_;   // a panel after the other, each [D, lanes]
  float* const output_lanes_;  // likewise [Dv, lanes]
  float* const max_;
  float* const sum_;
  float* const decay_;   // of the panel at hand
  float* const scores_;  // [kTileKeys, lanes] of the panel at hand
  float* const spare_;   // the operands', and then rows of a 16-bit output
  Operands operands_;
};

template <class Operands>
void forward_item(const ForwardProblem<float>& problem, int64_t item, float* scratch) {
  const int queries = form_of(problem).block_queries();
  const int64_t blocks = (problem.sizes.Tq + queries - 1) / queries, head = item / blocks;
  const int64_t block =
      blocks - 1 - item % blocks;  // under a causal mask the last block has the most keys: first
  ForwardBlock<Operands>(problem, head / problem.sizes.Hq, head % problem.sizes.Hq, block * queries, scratch)
      .run();
}

void forward_block(const ForwardProblem<float>& problem, int64_t item, float* scratch) {
  forward_item<WideOperands>(problem, item, scratch);
}

#if HWY_TARGET == HWY_AVX3
void forward_block_of_pairs(const ForwardProblem<float>& problem, int64_t item, float* scratch) {
  forward_item<PairOperands>(problem, item, scratch);
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace attend {

ForwardKernel forward_panels(Isa isa) {
  return ATTEND_CHOOSE_KERNEL(isa, forward_block);
}

ForwardKernel forward_pairs(Isa isa) {
  return isa == Isa::kAvx512Bf16 ? HWY_CHOOSE_AVX3(forward_block_of_pairs) : nullptr;
}

int64_t forward_panels_items(const Sizes& n, const RowForm& form) {
  const int queries = form.block_queries();
  return n.B * n.Hq * ((n.Tq + queries - 1) / queries);
}

/// Scratch beside that for copied rows, or pairs.
static size_t block_scratch(const Sizes& n, const RowForm& form, Isa isa) {
  const int queries = static_cast<int>(std::min<int64_t>(n.Tq, form.block_queries()));
  const int64_t width = PanelPlan(queries, lanes_of(isa)).width();
  return static_cast<size_t>((n.D + n.Dv) * width + int64_t{2} * kLargestBlock + kWidestPanel +
                             int64_t{kTileKeys} * kWidestPanel);
}

size_t forward_panels_scratch(const Sizes& n, const RowForm& form, Isa isa) {
  return block_scratch(n, form, isa) + static_cast<size_t>(wide_scratch(kTileKeys, n.D, form.copies_keys()) +
                                                           wide_scratch(kTileKeys, n.Dv, form.narrow()));
}

size_t forward_pairs_scratch(const Sizes& n, const RowForm& form, Isa isa) {
  // The rounded rows of the output take the place of the pairs.
  const int64_t pairs = kTileKeys / 2 * (kWidestPanel + n.Dv), rows = kWidestPanel * padded_width(n.Dv);
  return block_scratch(n, form, isa) + static_cast<size_t>(std::max(pairs, rows));
}

}  // namespace attend
#endif
