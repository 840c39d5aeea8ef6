#include "attention/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attend {
namespace {

template <class T>
constexpr T kMinusInfinity = -std::numeric_limits<T>::infinity();

template <class T>
T dot(const T* a, const T* b, int64_t n) {
  T sum = 0;
  for (int64_t d = 0; d < n; ++d) sum += a[d] * b[d];
  return sum;
}

/// y += factor * x
template <class T>
void add_scaled(T factor, const T* x, T* y, int64_t n) {
  for (int64_t d = 0; d < n; ++d) y[d] += factor * x[d];
}

/// Whether query i has key j: no mask and no bias hides it.
template <class T>
bool sees(const HeadMask& mask, const HeadRule<T>& rule, int64_t i, int64_t j) {
  return mask.sees(i, j) && !rule.hides(i, j);
}

/// What dropout multiplies the weight by.
template <class T>
T kept(const HeadDropout& dropout, int64_t i, int64_t j) {
  if (!dropout.active()) return 1;
  return dropout.keeps(i, j) ? dropout.factor<T>() : T{0};
}

template <class T>
void forward_query(const ForwardProblem<T>& p, int64_t b, int64_t h, int64_t i, T* scores) {
  const Sizes& n = p.sizes;
  const int64_t kv = h / n.group();
  const HeadMask mask = p.mask.head(b, h);
  const HeadRule<T> rule = p.rule.head(b, h);
  const HeadDropout dropout = p.dropout.head(b, h);

  T spare[kWidestRow], other_spare[kWidestRow];  // of rows that are not used where they are
  const T* query = read_row(p.query, b, h, i, spare);
  T max = kMinusInfinity<T>;
  for (int64_t j = 0; j < n.Tk; ++j) {
    if (!sees(mask, rule, i, j)) continue;
    scores[j] = rule.score(p.scale * dot(query, read_row(p.key, b, kv, j, other_spare), n.D), i, j);
    max = std::max(max, scores[j]);
  }
  // Without a key, or with none that has a weight, every exponential below is 0, and the sink has no say.
  const bool any = max != kMinusInfinity<T>;
  max = any ? std::max(max, rule.sink) : T{0};

  T sum = any ? std::exp(rule.sink - max) : T{0};
  for (int64_t j = 0; j < n.Tk; ++j) {
    if (sees(mask, rule, i, j)) sum += scores[j] = std::exp(scores[j] - max);
  }

  T* out = made_row(p.output, b, h, i, spare);
  std::fill(out, out + n.Dv, T{0});
  for (int64_t j = 0; j < n.Tk; ++j) {
    const bool counts = sees(mask, rule, i, j) && sum != 0;
    const T weight = counts ? scores[j] / sum : 0;
    if (counts) {
      add_scaled(weight * kept<T>(dropout, i, j), read_row(p.value, b, kv, j, other_spare), out, n.Dv);
    }
    if (p.weights.present()) p.weights.row(b, h, i)[j] = weight;
    if (p.head_mean.present()) p.head_mean.row(b, 0, i)[j] += weight / static_cast<T>(n.Hq);
    if (p.column_sums.present()) p.column_sums.row(b, h, 0)[j] += weight;
  }
  round_row(out, p.output, b, h, i);
  if (p.lse.present()) *p.lse.row(b, h, i) = sum == 0 ? kMinusInfinity<T> : max + std::log(sum);
}

/// With s = rule(scale <q, k>), p = softmax(s) and o = sum_j m_j p_j v_j:
///
///   dv_j = m_j p_j do     ds_j = p_j (m_j <do, v_j> - <do, o>)     dbias_j = ds_j
///   dq = scale sum_j ds_j rule' k_j            dk_j = scale ds_j rule' q
///
/// where m_j is dropout's factor, and q and k are the rows as they are multiplied.
template <class T>
void backward_query(const BackwardProblem<T>& p, int64_t b, int64_t h, int64_t i) {
  const Sizes& n = p.sizes;
  const int64_t kv = h / n.group();
  const HeadMask mask = p.mask.head(b, h);
  const HeadRule<T> rule = p.rule.head(b, h);
  const HeadDropout dropout = p.dropout.head(b, h);
  const T lse = *p.lse.row(b, h, i);
  if (lse == kMinusInfinity<T>) return;  // no key has a weight

  // Spares of rows that are not used where they are.
  T query_spare[kWidestRow], gradient_spare[kWidestRow], key_spare[kWidestRow], value_spare[kWidestRow];
  const T* query = read_row(p.query, b, h, i, query_spare);
  const T* out_gradient = read_row(p.output_gradient, b, h, i, gradient_spare);
  const T mean = dot(out_gradient, read_row(p.output, b, h, i, value_spare), n.Dv);
  for (int64_t j = 0; j < n.Tk; ++j) {
    if (!sees(mask, rule, i, j)) continue;
    const T* key = read_row(p.key, b, kv, j, key_spare);
    const T* value = read_row(p.value, b, kv, j, value_spare);
    const T product = p.scale * dot(query, key, n.D);
    const T weight = std::exp(rule.score(product, i, j) - lse);
    const T factor = kept<T>(dropout, i, j);
    const T score_gradient = weight * (factor * dot(out_gradient, value, n.Dv) - mean);
    const T product_gradient = p.scale * score_gradient * rule.derivative(product);
    add_scaled(factor * weight, out_gradient, p.value_gradient.row(b, kv, j), n.Dv);
    add_scaled(product_gradient, key, p.query_gradient.row(b, h, i), n.D);
    add_scaled(product_gradient, query, p.key_gradient.row(b, kv, j), n.D);
    if (p.bias_gradient.present()) *p.bias_gradient.at(b, h, i, j) += score_gradient;
  }
}

}  // namespace

template <class T>
void reference_forward(const ForwardProblem<T>& problem, int64_t b, int64_t h, T* scores) {
  for (int64_t i = 0; i < problem.sizes.Tq; ++i) forward_query(problem, b, h, i, scores);
}

template <class T>
void clear_summaries(const ForwardProblem<T>& p) {
  const Sizes& n = p.sizes;
  const auto clear = [&](const TensorRows<T>& sums, int64_t heads, int64_t rows) {
    if (!sums.present() || !has_elements({n.B, heads, rows, n.Tk})) return;
    for (int64_t row = 0; row < n.B * heads * rows; ++row) {
      std::fill_n(sums.row(row / rows / heads, row / rows % heads, row % rows), n.Tk, T{0});
    }
  };
  clear(p.head_mean, 1, n.Tq);
  clear(p.column_sums, n.Hq, 1);
}

template <class T>
void reference_backward(const BackwardProblem<T>& problem, int64_t b, int64_t kv_head) {
  const Sizes& n = problem.sizes;
  for (int64_t j = 0; j < n.Tk; ++j) {
    std::fill_n(problem.key_gradient.row(b, kv_head, j), n.D, T{0});
    std::fill_n(problem.value_gradient.row(b, kv_head, j), n.Dv, T{0});
  }
  for (int64_t h = kv_head * n.group(); h < (kv_head + 1) * n.group(); ++h) {
    for (int64_t i = 0; i < n.Tq; ++i) {
      std::fill_n(problem.query_gradient.row(b, h, i), n.D, T{0});
      backward_query(problem, b, h, i);
    }
  }
}

template void reference_forward(const ForwardProblem<float>&, int64_t, int64_t, float*);
template void reference_forward(const ForwardProblem<double>&, int64_t, int64_t, double*);
template void clear_summaries(const ForwardProblem<float>&);
template void clear_summaries(const ForwardProblem<double>&);
template void reference_backward(const BackwardProblem<float>&, int64_t, int64_t);
template void reference_backward(const BackwardProblem<double>&, int64_t, int64_t);

}  // namespace attend
