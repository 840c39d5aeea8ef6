// How surprised the model was by the words that came.
#ifndef ATTEND_NN_CROSS_ENTROPY_H_
#define ATTEND_NN_CROSS_ENTROPY_H_

#include <cstdint>
#include <span>

#include "base/matrix.h"
#include "nn/pass.h"

namespace attend {

/// Which class came at each row, and how much the row counts.
struct Targets {
  std::span<const int32_t> classes;  // [rows], each in [0, classes of logits)
  std::span<const float>
      weights;  // [rows]; empty means 1 each. A negative weight pushes away (policy gradients).
};

/// The weighted sum over rows of the cross-entropy against (1 - smoothing) * one_hot + smoothing / classes
/// (Szegedy et al. 2016), in nats. Replaces logits [rows, classes] by the gradient of that sum times `scale`.
/// Returns the sum (not scaled). Deterministic for any number of workers.
template <class T>
double cross_entropy(Matrix<T> logits, const Targets& targets, double smoothing, double scale, Pass& pass);

}  // namespace attend

#endif  // ATTEND_NN_CROSS_ENTROPY_H_
