// The loops of the activations that only published checkpoints use. Contiguous, in place, on the widest
// vectors that the machine has.
#ifndef ATTEND_NN_ACTIVATION_KERNELS_H_
#define ATTEND_NN_ACTIVATION_KERNELS_H_

#include <cstdint>

namespace attend::kernels {

// x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))); absolute error below 1e-6 for |x| <= 10.
void gelu_tanh(float* x, int64_t n);
// x / (1 + exp(-1.702 x)); the same error.
void gelu_sigmoid(float* x, int64_t n);
void relu(float* x, int64_t n);

}  // namespace attend::kernels

#endif  // ATTEND_NN_ACTIVATION_KERNELS_H_
