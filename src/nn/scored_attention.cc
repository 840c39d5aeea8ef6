#include "nn/scored_attention.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <vector>

#include "nn/row_kernels.h"
#include "nn/score_kernels.h"

namespace attend {
namespace {

// Query rows of one sequence that a worker takes at once.
constexpr int64_t kRowsPerTask = 8;

/// The keys of one sequence, as rows of a matrix.
struct KeyRange {
  int64_t first, count;

  template <class T>
  kernels::Rows<T> rows(Matrix<T> m, int64_t begin, int64_t end) const {
    return {m.data + (first + begin) * m.cols, end - begin, m.cols};
  }
};

KeyRange keys_of(const ScoredLayout& layout, size_t sequence) {
  return {layout.keys[sequence], layout.keys[sequence + 1] - layout.keys[sequence]};
}

/// Rows of the widest sequence.
int64_t most_keys(const ScoredLayout& layout) {
  int64_t most = 0;
  for (size_t s = 0; s + 1 < layout.keys.size(); ++s) most = std::max(most, keys_of(layout, s).count);
  return most;
}

/// Calls body(begin, end) for each run of keys that query row r sees, in their order.
template <class Body>
void for_each_run(const ScoredLayout& layout, int64_t r, int64_t keys, const Body& body) {
  if (!layout.mask.present()) {
    if (keys > 0) body(int64_t{0}, keys);
    return;
  }
  const bool* const seen = layout.mask.row(r).data();
  for (int64_t end = 0; end < keys;) {
    const int64_t begin = std::find(seen + end, seen + keys, true) - seen;
    end = std::find(seen + begin, seen + keys, false) - seen;
    if (begin < end) body(begin, end);
  }
}

/// s[j] for the keys that query row r sees; the others are left alone.
template <class T>
void score_row(const T* query, ConstMatrix<T> keys, const ScoreRule<T>& rule, const ScoredLayout& layout,
               int64_t r, const KeyRange& range, T* s) {
  for_each_run(layout, r, range.count, [&](int64_t begin, int64_t end) {
    const kernels::Rows<const T> rows = range.rows(keys, begin, end);
    if (rule.additive.present()) {
      kernels::additive_scores(query, rule.additive.data, rows, s + begin);
      return;
    }
    kernels::dot_rows(query, rows, s + begin);
    if (rule.scale == T{1}) return;
    for (int64_t j = begin; j < end; ++j) s[j] *= rule.scale;
  });
}

/// s becomes softmax(s) over the keys that are seen; the log of the sum of exponentials comes back.
template <class T>
T softmax_row(const ScoredLayout& layout, int64_t r, int64_t keys, T* s) {
  T most = -std::numeric_limits<T>::infinity();
  for_each_run(layout, r, keys, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) most = std::max(most, s[j]);
  });
  T sum = 0;
  for_each_run(layout, r, keys, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) sum += s[j] = std::exp(s[j] - most);
  });
  for_each_run(layout, r, keys, [&](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) s[j] /= sum;
  });
  return most + std::log(sum);  // -inf where there is no key
}

/// Zero wherever query row r sees no key, and past the keys.
template <class T>
void zero_unseen(const ScoredLayout& layout, int64_t r, int64_t keys, std::span<T> s) {
  int64_t done = 0;
  for_each_run(layout, r, keys, [&](int64_t begin, int64_t end) {
    std::fill(s.begin() + done, s.begin() + begin, T{0});
    done = end;
  });
  std::fill(s.begin() + done, s.end(), T{0});
}

struct Strip {
  size_t sequence;
  int64_t first, count;  // query rows
};

std::vector<Strip> strips_of(const ScoredLayout& layout) {
  std::vector<Strip> strips;
  for (size_t s = 0; s + 1 < layout.queries.size(); ++s) {
    for (int64_t r = layout.queries[s]; r < layout.queries[s + 1]; r += kRowsPerTask) {
      strips.push_back({s, r, std::min(kRowsPerTask, layout.queries[s + 1] - r)});
    }
  }
  return strips;
}

/// One sequence of the backward pass, a query row at a time.
template <class T>
struct SequenceGradient {
  const ScoredGradientTensors<T>& t;
  const ScoreRule<T>& rule;
  const ScoredLayout& layout;
  KeyRange range;
  T *p, *dp;     // [keys]: the weights of one query; the gradients of its weights, then of its scores
  T* dadditive;  // [width]

  void zero() const {
    std::fill_n(t.key_gradient.data + range.first * t.key_gradient.cols, range.count * t.key_gradient.cols,
                T{0});
    std::fill_n(t.value_gradient.data + range.first * t.value_gradient.cols,
                range.count * t.value_gradient.cols, T{0});
  }

  void add_row(int64_t r) const {
    const T* const query = t.query.row(r).data();
    const T* const doutput = t.output_gradient.row(r).data();
    weigh(r, query);
    for_each_run(layout, r, range.count, [&](int64_t begin, int64_t end) {
      kernels::dot_rows(doutput, range.rows(t.values, begin, end), dp + begin);
      kernels::add_to_rows(p + begin, doutput, range.rows(t.value_gradient, begin, end));
    });
    score_gradient(r);
    T* const dquery = t.query_gradient.row(r).data();
    std::fill_n(dquery, t.query_gradient.cols, T{0});
    for_each_run(layout, r, range.count, [&](int64_t begin, int64_t end) {
      const kernels::Rows<const T> keys = range.rows(t.keys, begin, end);
      const kernels::Rows<T> dkeys = range.rows(t.key_gradient, begin, end);
      if (rule.additive.present()) {
        kernels::additive_gradient(query, rule.additive.data, keys,
                                   kernels::AdditiveGradients<T>{dp + begin, dquery, dadditive, dkeys.data});
        return;
      }
      kernels::add_weighted_rows(dp + begin, keys, dquery);
      kernels::add_to_rows(dp + begin, query, dkeys);
    });
  }

 private:
  void weigh(int64_t r, const T* query) const {
    score_row(query, t.keys, rule, layout, r, range, p);
    if (!rule.softmax) return;
    const T lse = t.lse.data[r];
    for_each_run(layout, r, range.count, [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j) p[j] = std::exp(p[j] - lse);
    });
  }

  /// dp -> ds: through softmax ds_j = p_j (dp_j - sum of p dp), and through the scale of a dot product.
  void score_gradient(int64_t r) const {
    const T scale = rule.additive.present() ? T{1} : rule.scale;
    T sum = 0;
    if (rule.softmax) {
      for_each_run(layout, r, range.count, [&](int64_t begin, int64_t end) {
        for (int64_t j = begin; j < end; ++j) sum += p[j] * dp[j];
      });
    }
    for_each_run(layout, r, range.count, [&](int64_t begin, int64_t end) {
      for (int64_t j = begin; j < end; ++j) dp[j] = scale * (rule.softmax ? p[j] * (dp[j] - sum) : dp[j]);
    });
  }
};

}  // namespace

template <class T>
void scored_attention(const ScoredTensors<T>& t, const ScoreRule<T>& rule, const ScoredLayout& layout,
                      Pass& pass) {
  assert(layout.queries.size() == layout.keys.size());
  const Arena::Mark mark(pass.arena);
  const std::vector<Strip> strips = strips_of(layout);
  const Matrix<T> scratch = pass.arena.matrix<T>(pass.executor.workers(), most_keys(layout));
  pass.executor.for_each(static_cast<int64_t>(strips.size()), [&](int64_t task, int worker) {
    const Strip& strip = strips[static_cast<size_t>(task)];
    const KeyRange range = keys_of(layout, strip.sequence);
    for (int64_t r = strip.first; r < strip.first + strip.count; ++r) {
      T* const s = t.weights.present() ? t.weights.row(r).data() : scratch.row(worker).data();
      score_row(t.query.row(r).data(), t.keys, rule, layout, r, range, s);
      const T lse = rule.softmax ? softmax_row(layout, r, range.count, s) : T{0};
      if (t.lse.present()) t.lse.data[r] = lse;
      if (t.weights.present()) zero_unseen(layout, r, range.count, t.weights.row(r));
      T* const output = t.output.row(r).data();
      std::fill_n(output, t.output.cols, T{0});
      for_each_run(layout, r, range.count, [&](int64_t begin, int64_t end) {
        kernels::add_weighted_rows(s + begin, range.rows(t.values, begin, end), output);
      });
    }
  });
}

template <class T>
void scored_attention_backward(const ScoredGradientTensors<T>& t, const ScoreRule<T>& rule,
                               const ScoredLayout& layout, Pass& pass) {
  assert(layout.queries.size() == layout.keys.size());
  const Arena::Mark mark(pass.arena);
  const int64_t sequences = static_cast<int64_t>(layout.queries.size()) - 1;
  const Matrix<T> scratch = pass.arena.matrix<T>(pass.executor.workers(), 2 * most_keys(layout));
  const Matrix<T> dadditive =
      pass.arena.zeros<T>(rule.additive.present() ? sequences : 0, rule.additive.cols);
  pass.executor.for_each(sequences, [&](int64_t s, int worker) {
    const size_t i = static_cast<size_t>(s);
    T* const row = scratch.row(worker).data();
    const SequenceGradient<T> sequence{t,
                                       rule,
                                       layout,
                                       keys_of(layout, i),
                                       row,
                                       row + scratch.cols / 2,
                                       dadditive.rows > 0 ? dadditive.row(s).data() : nullptr};
    sequence.zero();
    for (int64_t r = layout.queries[i]; r < layout.queries[i + 1]; ++r) sequence.add_row(r);
  });
  if (dadditive.rows == 0) return;
  kernels::add_rows(dadditive.data, dadditive.rows, dadditive.cols, dadditive.cols, t.additive_gradient.data);
}

template void scored_attention(const ScoredTensors<float>&, const ScoreRule<float>&, const ScoredLayout&,
                               Pass&);
template void scored_attention(const ScoredTensors<double>&, const ScoreRule<double>&, const ScoredLayout&,
                               Pass&);
template void scored_attention_backward(const ScoredGradientTensors<float>&, const ScoreRule<float>&,
                                        const ScoredLayout&, Pass&);
template void scored_attention_backward(const ScoredGradientTensors<double>&, const ScoreRule<double>&,
                                        const ScoredLayout&, Pass&);

}  // namespace attend
