#include "vision/vit_encoder.h"

#include <algorithm>
#include <cassert>

#include "nn/residual.h"

namespace attend {
namespace {

/// The pixels of each patch in a row: [grid^2, 3 * side^2].
Matrix<float> cut(std::span<const float> pixels, int64_t image_side, int64_t side, Pass& pass) {
  const int64_t grid = image_side / side;
  const Matrix<float> rows = pass.arena.matrix<float>(grid * grid, 3 * side * side);
  pass.executor.for_each(grid, [&](int64_t r, int) {
    for (int64_t c = 0; c < grid; ++c) {
      float* to = rows.row(r * grid + c).data();
      for (int64_t plane = 0; plane < 3; ++plane) {
        for (int64_t y = 0; y < side; ++y, to += side) {
          const float* from = pixels.data() + (plane * image_side + r * side + y) * image_side + c * side;
          std::copy_n(from, side, to);
        }
      }
    }
  });
  return rows;
}

}  // namespace

Matrix<float> VitEncoder::forward(std::span<const float> pixels, Pass& pass) const {
  assert(static_cast<int64_t>(pixels.size()) == 3 * image_side() * image_side());
  const Matrix<float> state = pass.arena.matrix<float>(tokens(), width());
  const Arena::Mark mark(pass.arena);
  const Matrix<float> patches =
      weights_.patches.forward(cut(pixels, image_side(), weights_.patch_side, pass), pass);
  std::ranges::copy(weights_.class_token, state.data);
  std::ranges::copy(patches.values(), state.row(1).data());
  add_to<float>(state, {weights_.positions.data(), tokens(), width()}, pass);
  if (weights_.norm_in) std::ranges::copy(weights_.norm_in->forward(state, pass).values(), state.data);

  for (const StoredBlock& block : weights_.blocks) {
    const auto see = [&](ConstMatrix<float> query, ConstMatrix<float> key, ConstMatrix<float> value) {
      return attend_to_shared(query, key, value, block.self.heads, pass);
    };
    block.apply(state, see, nullptr, pass);
  }
  std::ranges::copy(weights_.norm_out.forward(state, pass).values(), state.data);
  return state;
}

}  // namespace attend
