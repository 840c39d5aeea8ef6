// y = x W^T + b with weights as a checkpoint stores them, or laid out anew for products with many rows;
// forward only.
#ifndef ATTEND_NN_STORED_LINEAR_H_
#define ATTEND_NN_STORED_LINEAR_H_

#include <optional>
#include <vector>

#include "nn/packed_weights.h"
#include "nn/pass.h"
#include "nn/weight_matrix.h"

namespace attend {

/// How many rows a layer's inputs have, which decides how its weights are best laid out.
enum class Rows {
  kFew,   // words: the weights are read as they are stored, from a mapped file perhaps
  kMany,  // an image's patches: float32 weights are copied into the order of PackedWeights
  kBoth,  // an image's patches and then words: such a copy stands beside the weights as they are stored
};

class StoredLinear {
 public:
  StoredLinear() = default;
  /// weights [out, in]; bias [out], or empty for none. Throws std::bad_alloc.
  StoredLinear(WeightMatrix weights, std::vector<float> bias, Rows rows = Rows::kFew);

  int64_t in() const { return packed_ ? packed_->in() : weights_.cols(); }
  int64_t out() const { return packed_ ? packed_->out() : weights_.rows(); }
  bool packed() const { return packed_.has_value(); }
  /// The weights as they are stored; none if it has no use for them beside the packed ones.
  const WeightMatrix& weights() const { return weights_; }

  /// x [rows, in] -> [rows, out]
  Matrix<float> forward(ConstMatrix<float> x, Pass& pass) const;

 private:
  WeightMatrix weights_;
  std::vector<float> bias_;
  std::optional<PackedWeights> packed_;
};

}  // namespace attend

#endif  // ATTEND_NN_STORED_LINEAR_H_
