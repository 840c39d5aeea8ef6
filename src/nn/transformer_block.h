// The blocks of a Transformer (Vaswani et al. 2017), each sublayer inside a residual connection:
//
//   pre-norm   x + dropout(sublayer(norm(x)))      (Xiong et al. 2020)
//   post-norm  norm(x + dropout(sublayer(x)))      (the original)
#ifndef ATTEND_NN_TRANSFORMER_BLOCK_H_
#define ATTEND_NN_TRANSFORMER_BLOCK_H_

#include <string>

#include "nn/dropout.h"
#include "nn/feed_forward.h"
#include "nn/layer_norm.h"
#include "nn/memory_attention.h"
#include "nn/multi_head_attention.h"

namespace attend {

enum class NormPlacement { kPre, kPost };

struct BlockShape {
  int64_t width = 256;
  int heads = 4;
  int64_t hidden = 1024;
  NormPlacement norm = NormPlacement::kPre;
  double dropout = 0.0;
  MemoryAttentionKind cross_attention = MemoryAttentionKind::kMultiHead;  // of a decoder
};

/// Self-attention, then a feed-forward network: an encoder's block, or a decoder-only language model's when
/// causal.
template <class T>
class EncoderBlock {
 public:
  EncoderBlock(const std::string& name, const BlockShape& shape);

  struct Activations {
    typename LayerNorm<T>::Activations norm1, norm2;
    typename SelfAttention<T>::Activations attention;
    typename FeedForward<T>::Activations feed_forward;
    Dropout::Activations dropout1, dropout2;
  };

  /// x [rows, width] -> [rows, width]
  Matrix<T> forward(ConstMatrix<T> x, Offsets offsets, Causal causal, Pass& pass,
                    Activations* activations) const;
  Matrix<T> backward(const Activations& activations, ConstMatrix<T> dy, Pass& pass);
  void collect(ParameterList<T>& list);

  LayerNorm<T> norm1, norm2;
  SelfAttention<T> attention;
  FeedForward<T> feed_forward;

 private:
  NormPlacement placement_;
  Dropout dropout_;
};

/// Causal self-attention, cross-attention to a memory, then a feed-forward network.
template <class T>
class DecoderBlock {
 public:
  DecoderBlock(const std::string& name, const BlockShape& shape);

  struct Activations {
    typename LayerNorm<T>::Activations norm1, norm2, norm3;
    typename SelfAttention<T>::Activations self_attention;
    typename MemoryAttention<T>::Activations cross_attention;
    typename FeedForward<T>::Activations feed_forward;
    Dropout::Activations dropout1, dropout2, dropout3;
  };

  /// Which rows attend among themselves (each caption), and which look at which memory (all captions of a
  /// photo).
  struct Layout {
    Offsets sequences;  // of self-attention
    Offsets groups;     // of cross-attention: group g looks at range g of the memory
  };

  /// x [rows, width] -> [rows, width]; `weights` as CrossAttention::forward.
  Matrix<T> forward(ConstMatrix<T> x, const Layout& layout, const KeyValues<T>& memory, Pass& pass,
                    Activations* activations, Matrix<T> weights = {}) const;
  Matrix<T> backward(const Activations& activations, const KeyValues<T>& memory, ConstMatrix<T> dy,
                     const typename CrossAttention<T>::MemoryGradient& memory_gradient, Pass& pass);

  /// One new row for each sequence of the cache. `groups` are offsets of rows by memory range.
  Matrix<T> step(ConstMatrix<T> x, Offsets groups, const KeyValues<T>& memory, KeyValueCache<T>& cache,
                 Pass& pass, Matrix<T> weights = {}) const;

  void collect(ParameterList<T>& list);

  LayerNorm<T> norm1, norm2, norm3;
  SelfAttention<T> self_attention;
  MemoryAttention<T> cross_attention;
  FeedForward<T> feed_forward;

 private:
  NormPlacement placement_;
  Dropout dropout_;
};

}  // namespace attend

#endif  // ATTEND_NN_TRANSFORMER_BLOCK_H_
