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

template <class T>
void forward_query(const ForwardProblem<T>& p, int64_t b, int64_t h, int64_t i, T* scores) {
  const Sizes& n = p.sizes;
  const int64_t kv = h / n.group();
  const HeadMask mask = p.mask.head(b, h);

  T max = kMinusInfinity<T>;
  for (int64_t j = 0; j < n.Tk; ++j) {
    if (!mask.sees(i, j)) continue;
    scores[j] = p.scale * dot(p.query.row(b, h, i), p.key.row(b, kv, j), n.D);
    max = std::max(max, scores[j]);
  }
  if (max == kMinusInfinity<T>) max = 0;  // no key, or none with a weight: every exponential below is 0

  T sum = 0;
  for (int64_t j = 0; j < n.Tk; ++j) {
    if (mask.sees(i, j)) sum += scores[j] = std::exp(scores[j] - max);
  }

  T* out = p.output.row(b, h, i);
  std::fill(out, out + n.Dv, T{0});
  for (int64_t j = 0; j < n.Tk; ++j) {
    const bool counts = mask.sees(i, j) && sum != 0;
    const T weight = counts ? scores[j] / sum : 0;
    if (counts) add_scaled(weight, p.value.row(b, kv, j), out, n.Dv);
    if (p.weights.present()) p.weights.row(b, h, i)[j] = weight;
  }
  if (p.lse.present()) *p.lse.row(b, h, i) = sum == 0 ? kMinusInfinity<T> : max + std::log(sum);
}

/// With p = softmax(s) and o = sum_j p_j v_j:
///   dv_j = p_j do,   ds_j = p_j (<do, v_j> - <do, o>),   dq = scale sum_j ds_j k_j,   dk_j = scale ds_j q.
template <class T>
void backward_query(const BackwardProblem<T>& p, int64_t b, int64_t h, int64_t i) {
  const Sizes& n = p.sizes;
  const int64_t kv = h / n.group();
  const HeadMask mask = p.mask.head(b, h);
  const T* query = p.query.row(b, h, i);
  const T* out_gradient = p.output_gradient.row(b, h, i);
  const T lse = *p.lse.row(b, h, i);
  if (lse == kMinusInfinity<T>) return;  // no key has a weight

  const T mean = dot(out_gradient, p.output.row(b, h, i), n.Dv);
  for (int64_t j = 0; j < n.Tk; ++j) {
    if (!mask.sees(i, j)) continue;
    const T* key = p.key.row(b, kv, j);
    const T weight = std::exp(p.scale * dot(query, key, n.D) - lse);
    const T score_gradient = weight * (dot(out_gradient, p.value.row(b, kv, j), n.Dv) - mean);
    add_scaled(weight, out_gradient, p.value_gradient.row(b, kv, j), n.Dv);
    add_scaled(p.scale * score_gradient, key, p.query_gradient.row(b, h, i), n.D);
    add_scaled(p.scale * score_gradient, query, p.key_gradient.row(b, kv, j), n.D);
  }
}

}  // namespace

template <class T>
void reference_forward(const ForwardProblem<T>& problem, int64_t b, int64_t h, T* scores) {
  for (int64_t i = 0; i < problem.sizes.Tq; ++i) forward_query(problem, b, h, i, scores);
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
template void reference_backward(const BackwardProblem<float>&, int64_t, int64_t);
template void reference_backward(const BackwardProblem<double>&, int64_t, int64_t);

}  // namespace attend
