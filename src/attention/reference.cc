#include "attention/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/half.h"

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

  T max = kMinusInfinity<T>;
  for (int64_t j = 0; j < n.Tk; ++j) {
    if (!sees(mask, rule, i, j)) continue;
    scores[j] = rule.score(p.scale * dot(p.query.row(b, h, i), p.key.row(b, kv, j), n.D), i, j);
    max = std::max(max, scores[j]);
  }
  // Without a key, or with none that has a weight, every exponential below is 0, and the sink has no say.
  const bool any = max != kMinusInfinity<T>;
  max = any ? std::max(max, rule.sink) : T{0};

  T sum = any ? std::exp(rule.sink - max) : T{0};
  for (int64_t j = 0; j < n.Tk; ++j) {
    if (sees(mask, rule, i, j)) sum += scores[j] = std::exp(scores[j] - max);
  }

  T* out = p.output.row(b, h, i);
  std::fill(out, out + n.Dv, T{0});
  for (int64_t j = 0; j < n.Tk; ++j) {
    const bool counts = sees(mask, rule, i, j) && sum != 0;
    const T weight = counts ? scores[j] / sum : 0;
    if (counts) add_scaled(weight * kept<T>(dropout, i, j), p.value.row(b, kv, j), out, n.Dv);
    if (p.weights.present()) p.weights.row(b, h, i)[j] = weight;
    if (p.head_mean.present()) p.head_mean.row(b, 0, i)[j] += weight / static_cast<T>(n.Hq);
    if (p.column_sums.present()) p.column_sums.row(b, h, 0)[j] += weight;
  }
  if (p.lse.present()) *p.lse.row(b, h, i) = sum == 0 ? kMinusInfinity<T> : max + std::log(sum);
}

/// With s = rule(scale <q, k>), p = softmax(s) and o = sum_j m_j p_j v_j:
///
///   dv_j = m_j p_j do     ds_j = p_j (m_j <do, v_j> - <do, o>)     dbias_j = ds_j
///   dq = scale sum_j ds_j rule' k_j            dk_j = scale ds_j rule' q
///
/// where m_j is dropout's factor.
template <class T>
void backward_query(const BackwardProblem<T>& p, int64_t b, int64_t h, int64_t i) {
  const Sizes& n = p.sizes;
  const int64_t kv = h / n.group();
  const HeadMask mask = p.mask.head(b, h);
  const HeadRule<T> rule = p.rule.head(b, h);
  const HeadDropout dropout = p.dropout.head(b, h);
  const T* query = p.query.row(b, h, i);
  const T* out_gradient = p.output_gradient.row(b, h, i);
  const T lse = *p.lse.row(b, h, i);
  if (lse == kMinusInfinity<T>) return;  // no key has a weight

  const T mean = dot(out_gradient, p.output.row(b, h, i), n.Dv);
  for (int64_t j = 0; j < n.Tk; ++j) {
    if (!sees(mask, rule, i, j)) continue;
    const T* key = p.key.row(b, kv, j);
    const T product = p.scale * dot(query, key, n.D);
    const T weight = std::exp(rule.score(product, i, j) - lse);
    const T factor = kept<T>(dropout, i, j);
    const T score_gradient = weight * (factor * dot(out_gradient, p.value.row(b, kv, j), n.Dv) - mean);
    const T product_gradient = p.scale * score_gradient * rule.derivative(product);
    add_scaled(factor * weight, out_gradient, p.value_gradient.row(b, kv, j), n.Dv);
    add_scaled(product_gradient, key, p.query_gradient.row(b, h, i), n.D);
    add_scaled(product_gradient, query, p.key_gradient.row(b, kv, j), n.D);
    if (p.bias_gradient.present()) *p.bias_gradient.at(b, h, i, j) += score_gradient;
  }
}

/// Copies `count` rows of one head into `to`, which moves on, as the rows of every head of `wide`.
void widen_head(const MixedInput& rows, int64_t b, int64_t h, int64_t count, MixedInput& wide, float*& to) {
  const auto widen = rows.dtype == DType::kFloat16 ? half_to_float : bfloat16_to_float;
  wide = {};
  wide.data = to;
  wide.step = rows.width;
  for (int64_t t = 0; t < count; ++t, to += rows.width) {
    const uint16_t* from = rows.narrow.row(b, h, t);
    std::transform(from, from + rows.width, to, widen);
  }
}

}  // namespace

template <class T>
void reference_forward(const ForwardProblem<T>& problem, int64_t b, int64_t h, T* scores) {
  for (int64_t i = 0; i < problem.sizes.Tq; ++i) forward_query(problem, b, h, i, scores);
}

size_t reference_narrow_scratch(const Sizes& n) {
  return static_cast<size_t>(n.Tk + n.Tq * (n.D + n.Dv) + n.Tk * (n.D + n.Dv));
}

void reference_forward_narrow(const ForwardProblem<float>& p, int64_t b, int64_t h, float* scratch) {
  const Sizes& n = p.sizes;
  ForwardProblem<float> wide = p;
  float* scores = scratch;
  scratch += n.Tk;
  const int64_t kv = h / n.group();
  widen_head(p.query, b, h, n.Tq, wide.query, scratch);
  widen_head(p.key, b, kv, n.Tk, wide.key, scratch);
  widen_head(p.value, b, kv, n.Tk, wide.value, scratch);
  wide.output = {};
  wide.output.data = scratch;
  wide.output.step = n.Dv;
  reference_forward(wide, b, h, scores);
  const auto round = p.output.dtype == DType::kFloat16 ? float_to_half : float_to_bfloat16;
  for (int64_t i = 0; i < n.Tq; ++i) {
    const float* from = wide.output.row(b, h, i);
    std::transform(from, from + n.Dv, p.output.narrow.row(b, h, i), round);
  }
}

template <class T>
void clear_summaries(const ForwardProblem<T>& p) {
  const Sizes& n = p.sizes;
  for (int64_t b = 0; b < n.B; ++b) {
    for (int64_t i = 0; p.head_mean.present() && i < n.Tq; ++i) {
      std::fill_n(p.head_mean.row(b, 0, i), n.Tk, T{0});
    }
    for (int64_t h = 0; p.column_sums.present() && h < n.Hq; ++h) {
      std::fill_n(p.column_sums.row(b, h, 0), n.Tk, T{0});
    }
  }
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
