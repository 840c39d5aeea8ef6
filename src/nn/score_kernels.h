// The loops of attention modules that the tiled kernels do not know: scores that are no dot products, and
// weights that are no softmax. For float they run on the widest vectors that the machine has (Highway); for
// double they are the plain loops that define them.
//
// Rows are dense: row j of `rows` [count, width] begins at rows + j * width. Sums over j go in the order of
// j.
#ifndef ATTEND_NN_SCORE_KERNELS_H_
#define ATTEND_NN_SCORE_KERNELS_H_

#include <cstdint>

namespace attend::kernels {

/// [count, width] numbers, one row a key.
template <class T>
struct Rows {
  T* data;
  int64_t count, width;
};

// y[i] = tanh(x[i]); y may be x.
void tanh(const float* x, float* y, int64_t n);
void tanh(const double* x, double* y, int64_t n);

// dx[i] = dy[i] * (1 - y[i]^2), with y = tanh(x); dx may be dy.
void tanh_gradient(const float* y, const float* dy, float* dx, int64_t n);
void tanh_gradient(const double* y, const double* dy, double* dx, int64_t n);

// s[j] = <x, row j>
void dot_rows(const float* x, const Rows<const float>& rows, float* s);
void dot_rows(const double* x, const Rows<const double>& rows, double* s);

// y += sum over j of p[j] * row j
void add_weighted_rows(const float* p, const Rows<const float>& rows, float* y);
void add_weighted_rows(const double* p, const Rows<const double>& rows, double* y);

// row j += p[j] * x
void add_to_rows(const float* p, const float* x, const Rows<float>& rows);
void add_to_rows(const double* p, const double* x, const Rows<double>& rows);

// s[j] = sum over h of w[h] * tanh(a[h] + b[j, h]), the score of Bahdanau et al. (2015).
void additive_scores(const float* a, const float* w, const Rows<const float>& b, float* s);
void additive_scores(const double* a, const double* w, const Rows<const double>& b, double* s);

/// What the gradients ds of additive scores add to those of a, of w and of the rows of b. The tanh is
/// computed again: stored, it would be queries x keys x hidden numbers.
template <class T>
struct AdditiveGradients {
  const T* ds;  // [count]
  T *da, *dw;   // [width]
  T* db;        // [count, width]
};
void additive_gradient(const float* a, const float* w, const Rows<const float>& b,
                       const AdditiveGradients<float>& gradients);
void additive_gradient(const double* a, const double* w, const Rows<const double>& b,
                       const AdditiveGradients<double>& gradients);

}  // namespace attend::kernels

#endif  // ATTEND_NN_SCORE_KERNELS_H_
