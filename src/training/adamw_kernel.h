// The inner loops of AdamW over one contiguous piece of a parameter.
#ifndef ATTEND_TRAINING_ADAMW_KERNEL_H_
#define ATTEND_TRAINING_ADAMW_KERNEL_H_

#include <cstdint>

namespace attend {

/// The coefficients of one step.
struct AdamWStep {
  double gradient_scale;  // from clipping
  double beta1, beta2;
  double keep;          // 1 - rate * decay
  double rate;          // rate / (1 - beta1^t)
  double inverse_root;  // 1 / sqrt(1 - beta2^t)
  double epsilon;
};

template <class T>
struct AdamWArrays {
  const T* gradient;
  T* value;
  T* first;
  T* second;
  int64_t count;
};

void adamw_update(const AdamWStep& step, const AdamWArrays<float>& arrays);
void adamw_update(const AdamWStep& step, const AdamWArrays<double>& arrays);

/// The sum of squares, accumulated in double.
double sum_of_squares(const float* values, int64_t count);
double sum_of_squares(const double* values, int64_t count);

}  // namespace attend

#endif  // ATTEND_TRAINING_ADAMW_KERNEL_H_
