// The loops over rows of numbers that layers are made of. For float they run on the widest vectors that the
// machine has (Highway); for double they are the plain loops that define them. Rows are contiguous; an output
// may be one of the inputs, element for element. All are reentrant, and none allocates.
#ifndef ATTEND_NN_ROW_KERNELS_H_
#define ATTEND_NN_ROW_KERNELS_H_

#include <cstdint>

#include "base/random.h"

namespace attend::kernels {

/// Mean, and 1 / sqrt(variance + epsilon), of one row.
template <class T>
struct RowScale {
  T mean, inverse_deviation;
};

/// Which elements fall: element i takes bits 16 (i % 4) .. + 15 of key.bits(i / 4), and falls when they are
/// below `threshold`, of 65536. The survivors are multiplied by `scale`.
struct DropRule {
  RandomKey key;
  uint32_t threshold;
  double scale;
};

/// Where a row of logits should have put its mass: `target` gets `on` more than the `off` of every class.
struct SoftTarget {
  int64_t target;
  double on, off;
};

// y[i] = gelu(x[i]); absolute error of the float version below 1e-6.
void gelu(const float* x, float* y, int64_t n);
void gelu(const double* x, double* y, int64_t n);

// dx[i] = dy[i] * gelu'(x[i])
void gelu_gradient(const float* x, const float* dy, float* dx, int64_t n);
void gelu_gradient(const double* x, const double* dy, double* dx, int64_t n);

// y[i] = a[i] + b[i]
void add(const float* a, const float* b, float* y, int64_t n);
void add(const double* a, const double* b, double* y, int64_t n);

// sum[i] += x[0][i] + x[1][i] + ..., over rows of n that lie `stride` apart, added in the order of the rows.
void add_rows(const float* x, int64_t rows, int64_t stride, int64_t n, float* sum);
void add_rows(const double* x, int64_t rows, int64_t stride, int64_t n, double* sum);

// y[i] = (x[i] - mean) * inverse_deviation * gain[i] + bias[i]
RowScale<float> normalize(const float* x, int64_t n, double epsilon, const float* gain, const float* bias,
                          float* y);
RowScale<double> normalize(const double* x, int64_t n, double epsilon, const double* gain, const double* bias,
                           double* y);

// dx of normalize(); adds dy * (normalised x) to dparameters[0 .. n), the gain's gradient, and dy to
// dparameters[n .. 2 n), the bias's.
void normalize_gradient(const float* x, const float* dy, int64_t n, const RowScale<float>& row,
                        const float* gain, float* dx, float* dparameters);
void normalize_gradient(const double* x, const double* dy, int64_t n, const RowScale<double>& row,
                        const double* gain, double* dx, double* dparameters);

// Drops and scales x[0 .. n), which are elements first .. first + n of the stream. `first` is a multiple
// of 4.
void drop(float* x, int64_t first, int64_t n, const DropRule& rule);
void drop(double* x, int64_t first, int64_t n, const DropRule& rule);

// Replaces logits x[0 .. n) by log softmax(x): natural log-probabilities.
void log_softmax(float* x, int64_t n);
void log_softmax(double* x, int64_t n);

// Replaces logits x[0 .. n) by `scale` * d loss / d logits, and returns the loss
// -sum_c q_c log softmax(x)_c, with q_c = off + (c == target ? on : 0).
double softmax_loss(float* x, int64_t n, const SoftTarget& q, double scale);
double softmax_loss(double* x, int64_t n, const SoftTarget& q, double scale);

}  // namespace attend::kernels

#endif  // ATTEND_NN_ROW_KERNELS_H_
