// The definition of the row kernels, in double precision: what gradients are checked with, and what the float
// kernels are compared to.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "nn/row_kernels.h"

namespace attend::kernels {
namespace {

// The normal distribution function, by erfc so that its lower tail keeps its relative precision.
double normal_probability(double x) {
  return 0.5 * std::erfc(-x * std::numbers::sqrt2 / 2.0);
}

double normal_density(double x) {
  return std::exp(-0.5 * x * x) * std::numbers::inv_sqrtpi * std::numbers::sqrt2 / 2.0;
}

}  // namespace

void gelu(const double* x, double* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = x[i] * normal_probability(x[i]);
}

void gelu_gradient(const double* x, const double* dy, double* dx, int64_t n) {
  for (int64_t i = 0; i < n; ++i) dx[i] = dy[i] * (normal_probability(x[i]) + x[i] * normal_density(x[i]));
}

void add(const double* a, const double* b, double* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = a[i] + b[i];
}

void add_rows(const double* x, int64_t rows, int64_t stride, int64_t n, double* sum) {
  for (int64_t r = 0; r < rows; ++r) add(sum, x + r * stride, sum, n);
}

RowScale<double> normalize(const double* x, int64_t n, double epsilon, const double* gain, const double* bias,
                           double* y) {
  double sum = 0.0, squares = 0.0;
  for (int64_t i = 0; i < n; ++i) sum += x[i];
  const double mean = sum / static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
  const double inverse = 1.0 / std::sqrt(squares / static_cast<double>(n) + epsilon);
  for (int64_t i = 0; i < n; ++i) y[i] = (x[i] - mean) * inverse * gain[i] + bias[i];
  return {mean, inverse};
}

// With x^ the normalised x and g = dy * gain:  dx = inverse_deviation * (g - mean(g) - x^ * mean(g * x^)).
void normalize_gradient(const double* x, const double* dy, int64_t n, const RowScale<double>& row,
                        const double* gain, double* dx, double* dparameters) {
  double sum = 0.0, dot = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    const double normalized = (x[i] - row.mean) * row.inverse_deviation;
    sum += dy[i] * gain[i];
    dot += dy[i] * gain[i] * normalized;
  }
  sum /= static_cast<double>(n);
  dot /= static_cast<double>(n);
  for (int64_t i = 0; i < n; ++i) {
    const double normalized = (x[i] - row.mean) * row.inverse_deviation;
    dparameters[i] += dy[i] * normalized;
    dparameters[n + i] += dy[i];
    dx[i] = row.inverse_deviation * (dy[i] * gain[i] - sum - normalized * dot);
  }
}

void drop(double* x, int64_t first, int64_t n, const DropRule& rule) {
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t element = static_cast<uint64_t>(first + i);
    const uint64_t lane = rule.key.bits(element / 4) >> (16 * (element % 4)) & 0xffffu;
    x[i] = lane < rule.threshold ? 0.0 : x[i] * rule.scale;
  }
}

void log_softmax(double* x, int64_t n) {
  const double most = *std::max_element(x, x + n);
  double sum = 0.0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] - most);
  const double normaliser = most + std::log(sum);
  for (int64_t i = 0; i < n; ++i) x[i] -= normaliser;
}

double softmax_loss(double* x, int64_t n, const SoftTarget& q, double scale) {
  const double most = *std::max_element(x, x + n);
  double sum = 0.0, total = 0.0;
  for (int64_t i = 0; i < n; ++i) {
    sum += std::exp(x[i] - most);
    total += x[i] - most;
  }
  const double log_sum = std::log(sum);
  const double mass = q.on + q.off * static_cast<double>(n);
  const double loss = mass * log_sum - q.on * (x[q.target] - most) - q.off * total;
  for (int64_t i = 0; i < n; ++i) {
    x[i] = scale * (mass * std::exp(x[i] - most - log_sum) - q.off - (i == q.target ? q.on : 0.0));
  }
  return loss;
}

}  // namespace attend::kernels
