// Forward attention for few queries: decoding, and a handful of beams over one image.
//
// A panel of lanes would stand mostly empty. Here a score is a dot product with the features in the lanes,
// the softmax has the keys in the lanes, and the output has the features in the lanes again. Up to four
// queries share each pass over the keys and values.
#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "attention/forward_rows.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <algorithm>
#include <cmath>

#include "attention/kernels.h"
#include "attention/log2_units.h"
#include "attention/narrow-inl.h"
#include "attention/panel.h"
#include "attention/product-inl.h"
#include "attention/row_softmax-inl.h"
#include "attention/score_rule-inl.h"
#include "attention/transpose-inl.h"
#include "attention/weights-inl.h"
#include "hwy/highway.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

using Quad = hn::CappedTag<float, 4>;

/// Adds up the 128-bit blocks of a vector.
template <class D>
HWY_INLINE hn::Vec<Quad> sum_blocks([[maybe_unused]] D d, hn::Vec<D> v) {
  if constexpr (hn::MaxLanes(D()) == 4) {
    return v;
  } else {
    const hn::Half<D> half;
    return sum_blocks(half, hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
}

/// The sums of the lanes of four vectors, in order.
HWY_INLINE hn::Vec<Quad> sums_of(Vec (&x)[4]) {
  transpose_squares(x);
  return sum_blocks(FloatTag(), hn::Add(hn::Add(x[0], x[1]), hn::Add(x[2], x[3])));
}

/// sum + a b as the lanes of a vector have it: rounded once where the machine can.
HWY_INLINE float add_product(float a, float b, float sum) {
  const hn::CappedTag<float, 1> lone;
  return hn::GetLane(hn::MulAdd(hn::Set(lone, a), hn::Set(lone, b), hn::Set(lone, sum)));
}

/// scores[r * kTileKeys + j] = <query row r, key j> for four keys and R queries.
template <int R>
HWY_INLINE void dot_four_keys(const float* queries, int64_t query_stride, const float* keys,
                              ptrdiff_t key_stride, int64_t width, float* scores) {
  Vec sum[R][4];
  for (int r = 0; r < R; ++r) {
    for (int j = 0; j < 4; ++j) sum[r][j] = hn::Zero(FloatTag());
  }
  int64_t d = 0;
  for (; d + kLanes <= width; d += kLanes) {
    Vec q[R];
    for (int r = 0; r < R; ++r) q[r] = load(queries + r * query_stride + d);
    for (int j = 0; j < 4; ++j) {
      const Vec k = load(keys + j * key_stride + d);
      for (int r = 0; r < R; ++r) sum[r][j] = hn::MulAdd(q[r], k, sum[r][j]);
    }
  }
  for (int r = 0; r < R; ++r) {
    float* to = scores + r * kTileKeys;
    hn::StoreU(sums_of(sum[r]), Quad(), to);
    for (int64_t t = d; t < width; ++t) {
      for (int j = 0; j < 4; ++j) to[j] += queries[r * query_stride + t] * keys[j * key_stride + t];
    }
  }
}

/// Scores of a tile: whole fours of keys, then the last keys as a four that reaches back over some already
/// done. Fewer than four keys go one by one, each written four times and all but the first overwritten by the
/// next.
template <int R>
HWY_INLINE void dot_tile(const float* queries, int64_t query_stride, const float* keys, ptrdiff_t key_stride,
                         int64_t width, int count, float* scores) {
  if (count < 4) {
    for (int j = 0; j < count; ++j) {
      dot_four_keys<R>(queries, query_stride, keys + j * key_stride, 0, width, scores + j);
    }
    return;
  }
  for (int j = 0; j + 4 <= count; j += 4) {
    dot_four_keys<R>(queries, query_stride, keys + j * key_stride, key_stride, width, scores + j);
  }
  if (count % 4 != 0) {
    const int j = count - 4;
    dot_four_keys<R>(queries, query_stride, keys + j * key_stride, key_stride, width, scores + j);
  }
}

/// R queries of one head, R <= kSharedRows.
template <int R>
class ForwardRows {
 public:
  ForwardRows(const ForwardProblem<float>& problem, int64_t b, int64_t h, int64_t first, float* scratch)
      : p_(problem),
        b_(b),
        h_(h),
        kv_(h / problem.sizes.group()),
        first_(first),
        mask_(problem.mask.head(b, h)),
        rule_(problem.rule.head(b, h)),
        dropout_(problem.dropout.head(b, h)),
        query_stride_(padded_width(problem.sizes.D)),
        output_stride_(padded_width(problem.sizes.Dv)),
        queries_(scratch),
        outputs_(queries_ + R * query_stride_),
        scores_(outputs_ + R * output_stride_),
        wide_(scores_ + R * kTileKeys) {}

  void run() {
    start();
    const int64_t end = mask_.key_end(first_ + R - 1);
    for (int64_t key = mask_.key_begin(first_); key < end; key += kTileKeys) {
      tile(key, static_cast<int>(std::min<int64_t>(kTileKeys, end - key)));
    }
    for (int r = 0; r < R; ++r) finish(r);
  }

 private:
  void start() {
    const float factor = query_factor(p_.scale, rule_);
    for (int r = 0; r < R; ++r) {
      const float* query = wide_rows(p_.query, b_, h_, first_ + r, 1, wide_).data;
      for (int64_t d = 0; d < p_.sizes.D; ++d) queries_[r * query_stride_ + d] = factor * query[d];
      max_[r] = -kInfinity;
      sum_[r] = 0;
      if (p_.weights.present()) std::fill_n(p_.weights.row(b_, h_, first_ + r), p_.sizes.Tk, -kInfinity);
    }
    std::fill_n(outputs_, R * output_stride_, 0.0f);
  }

  void tile(int64_t key, int keys) {
    const uint64_t all = ~uint64_t{0} >> (64 - keys);
    uint64_t seen[R], some = 0;
    for (int r = 0; r < R; ++r) some |= seen[r] = mask_.row(first_ + r, key, keys);
    if (some == 0) return;

    const RowMajor key_rows = wide_rows(p_.key, b_, kv_, key, keys, wide_);
    dot_tile<R>(queries_, query_stride_, key_rows.data, key_rows.stride, p_.sizes.D, keys, scores_);
    bool full = true;
    for (int r = 0; r < R; ++r) {
      float* scores = scores_ + r * kTileKeys;
      if (rule_.changes_scores()) {
        seen[r] = apply_rule_to_row(rule_, first_ + r, key, keys, seen[r], scores);
      }
      full = full && seen[r] == all;
      std::fill(scores + keys, scores + (keys + kLanes - 1) / kLanes * kLanes, -kInfinity);
      if (seen[r] != all) mask_row(scores, keys, seen[r]);
      if (p_.weights.present()) std::copy_n(scores, keys, p_.weights.row(b_, h_, first_ + r) + key);
      decay_output(r, online_softmax_row(scores, keys, max_[r], sum_[r]));
      if (dropout_.active()) drop_row(scores, first_ + r, key, keys);
    }
    const RowMajor values = wide_rows(p_.value, b_, kv_, key, keys, wide_);
    if (full || all_finite(values.data, values.stride, keys, p_.sizes.Dv)) {
      add_values(values, keys);
    } else {
      for (int r = 0; r < R; ++r) add_visible_values(r, values, keys, seen[r]);
    }
  }

  void mask_row(float* scores, int keys, uint64_t seen) {
    for (int j = 0; j < keys; j += kLanes) {
      store(hn::IfThenElse(mask_of(seen >> j), load(scores + j), broadcast(-kInfinity)), scores + j);
    }
  }

  void decay_output(int r, float decay) {
    if (decay == 1.0f) return;
    float* out = outputs_ + r * output_stride_;
    for (int64_t d = 0; d < output_stride_; d += kLanes)
      store(hn::Mul(load(out + d), broadcast(decay)), out + d);
  }

  void add_values(const RowMajor values, int keys) {
    const int whole = static_cast<int>(p_.sizes.Dv) / kLanes;
    wide_product<Onto::kTarget>(RowMajor{scores_, kTileKeys}, R, keys, Right{values.data, values.stride},
                                Target{outputs_, output_stride_}, whole);
    for (int64_t d = whole * kLanes; d < p_.sizes.Dv; ++d) {
      for (int r = 0; r < R; ++r) {
        float sum = 0;
        for (int j = 0; j < keys; ++j) sum = add_product(scores_[r * kTileKeys + j], values.at(j, d), sum);
        outputs_[r * output_stride_ + d] += sum;
      }
    }
  }

  /// add_values() where multiplying a masked value by its weight of 0 would not leave it out: 0 * NaN. The
  /// same sums otherwise, operation by operation.
  void add_visible_values(int r, const RowMajor values, int keys, uint64_t seen) {
    const float* scores = scores_ + r * kTileKeys;
    float* output = outputs_ + r * output_stride_;
    int64_t d = 0;
    for (; d + kLanes <= p_.sizes.Dv; d += kLanes) {
      Vec sum = hn::Zero(FloatTag());
      for (int j = 0; j < keys; ++j) {
        if ((seen >> j & 1) == 0) continue;
        sum = hn::MulAdd(broadcast(scores[j]), load(values.data + j * values.stride + d), sum);
      }
      store(hn::Add(load(output + d), sum), output + d);
    }
    for (; d < p_.sizes.Dv; ++d) {
      float sum = 0;
      for (int j = 0; j < keys; ++j) {
        if ((seen >> j & 1) != 0) sum = add_product(scores[j], values.at(j, d), sum);
      }
      output[d] += sum;
    }
  }

  /// scores *= dropout's factors.
  void drop_row(float* scores, int64_t query, int64_t key, int keys) {
    for (int j = 0; j < keys; ++j) {
      scores[j] = dropout_.keeps(query, key + j) ? scores[j] * dropout_.factor<float>() : 0.0f;
    }
  }

  void finish(int r) {
    const float factor = end_row(to_log2_units(rule_.sink), max_[r], sum_[r]);
    const float* from = outputs_ + r * output_stride_;
    const Target made = wide_output(p_.output, b_, h_, first_ + r, wide_);
    for (int64_t d = 0; d < p_.sizes.Dv; ++d) made.data[d] = sum_[r] == 0 ? 0.0f : from[d] * factor;
    narrow_output(made, p_.output, b_, h_, first_ + r, 1);
    if (p_.row_ends != nullptr) *p_.row_end(b_, h_, first_ + r) = {max_[r], sum_[r]};
    if (p_.lse.present()) *p_.lse.row(b_, h_, first_ + r) = natural_lse(max_[r], sum_[r]);
    if (p_.weights.present()) {
      scores_to_weights(p_.weights.row(b_, h_, first_ + r), p_.sizes.Tk, max_[r], sum_[r]);
    }
  }

  const ForwardProblem<float>& p_;
  const int64_t b_, h_, kv_;
  const int64_t first_;
  const HeadMask mask_;
  const HeadRule<float> rule_;
  const HeadDropout dropout_;
  const int64_t query_stride_, output_stride_;
  float* const queries_;  // [R, D], multiplied by scale * log2(e)
  float* const outputs_;  // [R, Dv]
  float* const scores_;   // [R, kTileKeys]
  float* const wide_;     // copied rows
  float max_[R], sum_[R];
};

void forward_head(const ForwardProblem<float>& problem, int64_t item, float* scratch) {
  const int64_t b = item / problem.sizes.Hq, h = item % problem.sizes.Hq;
  for (int64_t i = 0; i < problem.sizes.Tq; i += kSharedRows) {
    switch (std::min<int64_t>(kSharedRows, problem.sizes.Tq - i)) {
      case 1:
        ForwardRows<1>(problem, b, h, i, scratch).run();
        break;
      case 2:
        ForwardRows<2>(problem, b, h, i, scratch).run();
        break;
      case 3:
        ForwardRows<3>(problem, b, h, i, scratch).run();
        break;
      case 4:
        ForwardRows<4>(problem, b, h, i, scratch).run();
        break;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace attend {

ForwardKernel forward_rows(Isa isa) {
  return ATTEND_CHOOSE_KERNEL(isa, forward_head);
}

int64_t forward_rows_items(const Sizes& n) {
  return n.B * n.Hq;
}

size_t forward_rows_scratch(const Sizes& n, const RowForm& form) {
  return static_cast<size_t>(kSharedRows * (padded_width(n.D) + padded_width(n.Dv) + kTileKeys) + 4 +
                             wide_scratch(kTileKeys, std::max(n.D, n.Dv), form.copies_keys()));
}

}  // namespace attend
#endif
