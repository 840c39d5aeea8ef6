#include "nn/stored_block.h"

#include <algorithm>

#include "nn/residual.h"

namespace attend {
namespace {

/// `sublayer` maps rows to rows.
template <class Sublayer>
void inside_residual(NormPlacement placement, const LayerNorm<float>& norm, Matrix<float> state, Pass& pass,
                     const Sublayer& sublayer) {
  const Arena::Mark mark(pass.arena);
  if (placement == NormPlacement::kPre) {
    add_to<float>(state, sublayer(norm.forward(state, pass)), pass);
    return;
  }
  const Matrix<float> sum = sublayer(state);
  add_to<float>(sum, state, pass);
  std::ranges::copy(norm.forward(sum, pass).values(), state.data);
}

}  // namespace

void StoredBlock::apply(Matrix<float> state, const See& see, const Look& look, Pass& pass) const {
  inside_residual(placement, self.norm, state, pass, [&](ConstMatrix<float> x) {
    const Matrix<float> query = self.query.forward(x, pass), key = self.key.forward(x, pass);
    return self.out.forward(see(query, key, self.value.forward(x, pass)), pass);
  });
  if (cross) {
    inside_residual(placement, cross->norm, state, pass, [&](ConstMatrix<float> x) {
      return cross->out.forward(look(cross->query.forward(x, pass)), pass);
    });
  }
  inside_residual(placement, feed_forward.norm, state, pass, [&](ConstMatrix<float> x) {
    const Matrix<float> wide = feed_forward.up.forward(x, pass);
    activate(feed_forward.activation, wide, pass);
    return feed_forward.down.forward(wide, pass);
  });
}

StoredBlock::Shown StoredBlock::show(ConstMatrix<float> state, Pass& pass) const {
  const ConstMatrix<float> x = placement == NormPlacement::kPre ? self.norm.forward(state, pass) : state;
  return {self.key.forward(x, pass), self.value.forward(x, pass)};
}

}  // namespace attend
