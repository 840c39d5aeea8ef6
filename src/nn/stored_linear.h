// y = x W^T + b with weights as a checkpoint stores them; forward only.
#ifndef ATTEND_NN_STORED_LINEAR_H_
#define ATTEND_NN_STORED_LINEAR_H_

#include <vector>

#include "nn/pass.h"
#include "nn/weight_matrix.h"

namespace attend {

class StoredLinear {
 public:
  StoredLinear() = default;
  /// weights [out, in]; bias [out], or empty for none.
  StoredLinear(WeightMatrix weights, std::vector<float> bias);

  int64_t in() const { return weights_.cols(); }
  int64_t out() const { return weights_.rows(); }
  const WeightMatrix& weights() const { return weights_; }

  /// x [rows, in] -> [rows, out]
  Matrix<float> forward(ConstMatrix<float> x, Pass& pass) const;

 private:
  WeightMatrix weights_;
  std::vector<float> bias_;
};

}  // namespace attend

#endif  // ATTEND_NN_STORED_LINEAR_H_
