// Weights of a linear layer in the order in which the machine multiplies them by many rows fastest.
//
// oneDNN's sgemm lays the weights out anew for every product. Its convolutions take them as they like them,
// laid out once, and a linear layer is a convolution of one pixel by one, whose photo's pixels are the rows.
#ifndef ATTEND_NN_PACKED_WEIGHTS_H_
#define ATTEND_NN_PACKED_WEIGHTS_H_

#include <cstdint>
#include <memory>
#include <span>

#include "nn/pass.h"

namespace attend {

/// A cheap handle: copies share the numbers. Immutable, and safe to share between threads.
class PackedWeights {
 public:
  /// Copies weights [out, in] and bias [out], which is empty for none. Throws std::bad_alloc.
  PackedWeights(ConstMatrix<float> weights, std::span<const float> bias);

  int64_t in() const;
  int64_t out() const;

  /// y [rows, out] = x [rows, in] W^T + b. Rows are shared out among the executor's workers; no bit depends
  /// on how. Throws std::bad_alloc.
  void multiply(ConstMatrix<float> x, Matrix<float> y, Pass& pass) const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace attend

#endif  // ATTEND_NN_PACKED_WEIGHTS_H_
