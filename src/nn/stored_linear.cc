#include "nn/stored_linear.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "nn/affine.h"
#include "nn/gemm.h"
#include "nn/row_product.h"

namespace attend {
namespace {

/// Numbers that are widened at a time: they stay in the second cache until they are multiplied.
constexpr int64_t kWidened = int64_t{1} << 17;

/// y += x w^T, a strip of outputs at a time, whose weights one worker widens and then multiplies.
void multiply_widened(ConstMatrix<float> x, const WeightMatrix& weights, Matrix<float> y, Pass& pass) {
  const Arena::Mark mark(pass.arena);
  const int64_t strip = std::clamp<int64_t>(kWidened / weights.cols() / 16 * 16, 16, 256);
  const Matrix<float> scratch = pass.arena.matrix<float>(pass.executor.workers(), strip * weights.cols());
  const int64_t strips = (weights.rows() + strip - 1) / strip;
  pass.executor.for_each(strips, [&](int64_t task, int worker) {
    const int64_t first = task * strip, count = std::min(strip, weights.rows() - first);
    float* const widened = scratch.row(worker).data();
    weights.widen(first, count, widened);
    gemm_columns({x, {widened, count, weights.cols()}, Accumulate::kYes, y, first});
  });
}

}  // namespace

StoredLinear::StoredLinear(WeightMatrix weights, std::vector<float> bias, Rows rows) {
  assert(bias.empty() || static_cast<int64_t>(bias.size()) == weights.rows());
  if (rows != Rows::kFew && weights.type() == WeightType::kFloat32 && weights.size() > 0) {
    packed_ = PackedWeights(weights.floats(), bias);
    if (rows == Rows::kMany) return;
  }
  weights_ = std::move(weights);
  bias_ = std::move(bias);
}

Matrix<float> StoredLinear::forward(ConstMatrix<float> x, Pass& pass) const {
  const Matrix<float> y = pass.arena.matrix<float>(x.rows, out());
  const float* const bias = bias_.empty() ? nullptr : bias_.data();
  if (x.rows <= kFewRows && weights_.size() > 0) {
    multiply_rows(x, weights_, bias, y, pass.executor);
  } else if (packed_) {
    packed_->multiply(x, y, pass);
  } else if (weights_.type() == WeightType::kFloat32) {
    affine(x, weights_.floats(), bias, y, pass);
  } else {
    fill_rows(bias, y, pass.executor);
    multiply_widened(x, weights_, y, pass);
  }
  return y;
}

}  // namespace attend
