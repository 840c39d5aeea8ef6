// AdamW (Loshchilov and Hutter 2019): Adam's step, scaled for each number by how its gradient has been, and a
// decay of the weights that does not pass through that scaling.
//
//   m <- beta1 m + (1 - beta1) g          v <- beta2 v + (1 - beta2) g^2
//   p <- p - rate * decay * p - rate * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
#ifndef ATTEND_TRAINING_ADAMW_H_
#define ATTEND_TRAINING_ADAMW_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attend/executor.h"
#include "attend/status.h"
#include "base/bounds.h"
#include "nn/parameter.h"

namespace attend {

struct AdamWOptions {
  static constexpr Bounds<double> kBeta2{0, 0.999999}, kWeightDecay{0, 1}, kClip{0, 1e9};

  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;  // of parameters that decay: matrices that multiply
  double clip = 0;             // gradients are scaled down to this global norm; 0 leaves them alone
};

/// Errors: kInvalidArgument naming the option, its value and its range.
Status check(const AdamWOptions& options);

/// The optimiser of a list of parameters, which it borrows and which must not change. All sums are taken over
/// pieces of a fixed size in a fixed order, so that a step is the same for any number of workers.
template <class T>
class AdamW {
 public:
  AdamW(const ParameterList<T>& parameters, const AdamWOptions& options);

  /// One step with the gradients that the parameters hold, times `rate`. Returns the norm of all gradients
  /// before clipping; when it is not finite, nothing is changed.
  double step(double rate, Executor& executor);

  /// How many steps were taken; the t above.
  int64_t steps() const { return steps_; }
  void set_steps(int64_t steps) { steps_ = steps; }

  /// First and second moment of parameter `index`, row-major as its value.
  std::span<T> first_moment(size_t index) { return moments_of(first_, index); }
  std::span<T> second_moment(size_t index) { return moments_of(second_, index); }

 private:
  struct Piece {
    size_t parameter;
    int64_t begin, count;
  };
  std::span<T> moments_of(std::vector<T>& moments, size_t index) {
    return {moments.data() + starts_[index], static_cast<size_t>(parameters_[index]->size())};
  }
  double gradient_norm(Executor& executor);

  ParameterList<T> parameters_;
  AdamWOptions options_;
  int64_t steps_ = 0;
  std::vector<int64_t> starts_;  // of each parameter in the moments
  std::vector<T> first_, second_;
  std::vector<Piece> pieces_;
  std::vector<double> sums_;  // of each piece
};

}  // namespace attend

#endif  // ATTEND_TRAINING_ADAMW_H_
