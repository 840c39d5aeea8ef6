// A block of a published Transformer, forward only: self-attention, cross-attention where it has any, and a
// feed-forward network, each inside a residual connection with the norm before (x + f(norm(x))) or after
// (norm(x + f(x))).
#ifndef ATTEND_NN_STORED_BLOCK_H_
#define ATTEND_NN_STORED_BLOCK_H_

#include <functional>
#include <optional>

#include "nn/activation.h"
#include "nn/layer_norm.h"
#include "nn/shared_attention.h"
#include "nn/stored_linear.h"
#include "nn/transformer_block.h"

namespace attend {

/// Projections of one attention and its norm. Query, key and value may come from one tensor of the
/// checkpoint.
struct StoredAttention {
  StoredLinear query, key, value, out;
  Heads heads;
  LayerNorm<float> norm;
};

struct StoredFeedForward {
  StoredLinear up, down;
  Activation activation = Activation::kGelu;
  LayerNorm<float> norm;
};

struct StoredBlock {
  NormPlacement placement = NormPlacement::kPre;
  StoredAttention self;
  std::optional<StoredAttention> cross;
  StoredFeedForward feed_forward;

  /// What the rows see: given their queries, keys and values, the attention's output [rows, width].
  using See = std::function<Matrix<float>(ConstMatrix<float> query, ConstMatrix<float> key,
                                          ConstMatrix<float> value)>;
  /// What they see of the image, of which keys and values are there already.
  using Look = std::function<Matrix<float>(ConstMatrix<float> query)>;

  /// state [rows, width], in place; the arena is as it was afterwards. `look` is called only if there is
  /// `cross`.
  void apply(Matrix<float> state, const See& see, const Look& look, Pass& pass) const;

  /// What the rows of `state` show to those who see them [rows, width]: of a last block, all that rows whose
  /// successors nobody asks for have to give.
  struct Shown {
    Matrix<float> key, value;
  };
  Shown show(ConstMatrix<float> state, Pass& pass) const;
};

}  // namespace attend

#endif  // ATTEND_NN_STORED_BLOCK_H_
