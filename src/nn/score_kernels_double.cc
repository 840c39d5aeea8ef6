// The definition of the score kernels, in double precision: what gradients are checked with, and what the
// float kernels are compared to.
#include <cmath>

#include "nn/score_kernels.h"

namespace attend::kernels {

void tanh(const double* x, double* y, int64_t n) {
  for (int64_t i = 0; i < n; ++i) y[i] = std::tanh(x[i]);
}

void tanh_gradient(const double* y, const double* dy, double* dx, int64_t n) {
  for (int64_t i = 0; i < n; ++i) dx[i] = dy[i] * (1.0 - y[i] * y[i]);
}

void dot_rows(const double* x, const Rows<const double>& rows, double* s) {
  for (int64_t j = 0; j < rows.count; ++j) {
    s[j] = 0.0;
    for (int64_t i = 0; i < rows.width; ++i) s[j] += x[i] * rows.data[j * rows.width + i];
  }
}

void add_weighted_rows(const double* p, const Rows<const double>& rows, double* y) {
  for (int64_t j = 0; j < rows.count; ++j) {
    for (int64_t i = 0; i < rows.width; ++i) y[i] += p[j] * rows.data[j * rows.width + i];
  }
}

void add_to_rows(const double* p, const double* x, const Rows<double>& rows) {
  for (int64_t j = 0; j < rows.count; ++j) {
    for (int64_t i = 0; i < rows.width; ++i) rows.data[j * rows.width + i] += p[j] * x[i];
  }
}

void additive_scores(const double* a, const double* w, const Rows<const double>& b, double* s) {
  for (int64_t j = 0; j < b.count; ++j) {
    s[j] = 0.0;
    for (int64_t h = 0; h < b.width; ++h) s[j] += w[h] * std::tanh(a[h] + b.data[j * b.width + h]);
  }
}

void additive_gradient(const double* a, const double* w, const Rows<const double>& b,
                       const AdditiveGradients<double>& gradients) {
  for (int64_t j = 0; j < b.count; ++j) {
    for (int64_t h = 0; h < b.width; ++h) {
      const double t = std::tanh(a[h] + b.data[j * b.width + h]);
      const double slope = gradients.ds[j] * w[h] * (1.0 - t * t);
      gradients.da[h] += slope;
      gradients.db[j * b.width + h] += slope;
      gradients.dw[h] += gradients.ds[j] * t;
    }
  }
}

}  // namespace attend::kernels
