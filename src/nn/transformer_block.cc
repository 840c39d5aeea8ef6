#include "nn/transformer_block.h"

#include "nn/residual.h"

namespace attend {
namespace {

// A sublayer inside its residual connection, without the sublayer: `before` prepares its input, `after` turns
// its output into the block's next state. Only one of the two norms, by the placement.
template <class T>
struct Residual {
  NormPlacement placement;
  const Dropout& dropout;

  ConstMatrix<T> before(const LayerNorm<T>& norm, ConstMatrix<T> x, Pass& pass,
                        typename LayerNorm<T>::Activations* kept) const {
    return placement == NormPlacement::kPre ? norm.forward(x, pass, kept) : x;
  }

  // `y` is the sublayer's output, and is overwritten.
  Matrix<T> after(const LayerNorm<T>& norm, ConstMatrix<T> x, Matrix<T> y, Pass& pass,
                  typename LayerNorm<T>::Activations* kept, Dropout::Activations* dropped) const {
    const Dropout::Activations drop = dropout.forward(y, pass);
    if (dropped) *dropped = drop;
    add_to<T>(y, x, pass);
    return placement == NormPlacement::kPre ? y : norm.forward(y, pass, kept);
  }

  // The gradient of the sum x + dropout(y), which is the residual path's, from that of the state.
  ConstMatrix<T> after_backward(LayerNorm<T>& norm, const typename LayerNorm<T>::Activations& kept,
                                ConstMatrix<T> dstate, Pass& pass) const {
    return placement == NormPlacement::kPre ? dstate : norm.backward(kept, dstate, pass);
  }

  // The gradient of the sublayer's output y from that of the sum.
  ConstMatrix<T> undrop(const Dropout::Activations& dropped, ConstMatrix<T> dsum, Pass& pass) const {
    if (!dropped.active) return dsum;
    const Matrix<T> dy = copy<T>(dsum, pass);
    dropout.backward(dropped, dy, pass);
    return dy;
  }

  // The gradient of x, from those of the sublayer's input and of the sum. `dinput` may be overwritten.
  Matrix<T> before_backward(LayerNorm<T>& norm, const typename LayerNorm<T>::Activations& kept,
                            Matrix<T> dinput, ConstMatrix<T> dsum, Pass& pass) const {
    const Matrix<T> dx = placement == NormPlacement::kPre ? norm.backward(kept, dinput, pass) : dinput;
    add_to<T>(dx, dsum, pass);
    return dx;
  }
};

}  // namespace

template <class T>
EncoderBlock<T>::EncoderBlock(const std::string& name, const BlockShape& shape)
    : norm1(name + ".norm1", shape.width),
      norm2(name + ".norm2", shape.width),
      attention(name + ".attention", shape.width, shape.heads),
      feed_forward(name + ".feed_forward", shape.width, shape.hidden),
      placement_(shape.norm),
      dropout_(shape.dropout) {}

template <class T>
Matrix<T> EncoderBlock<T>::forward(ConstMatrix<T> x, Offsets offsets, Causal causal, Pass& pass,
                                   Activations* activations) const {
  Activations* const a = activations;
  const Residual<T> residual{placement_, dropout_};
  const ConstMatrix<T> input1 = residual.before(norm1, x, pass, a ? &a->norm1 : nullptr);
  const Matrix<T> y1 = attention.forward(input1, offsets, causal, pass, a ? &a->attention : nullptr);
  const Matrix<T> state =
      residual.after(norm1, x, y1, pass, a ? &a->norm1 : nullptr, a ? &a->dropout1 : nullptr);
  const ConstMatrix<T> input2 = residual.before(norm2, state, pass, a ? &a->norm2 : nullptr);
  const Matrix<T> y2 = feed_forward.forward(input2, pass, a ? &a->feed_forward : nullptr);
  return residual.after(norm2, state, y2, pass, a ? &a->norm2 : nullptr, a ? &a->dropout2 : nullptr);
}

template <class T>
Matrix<T> EncoderBlock<T>::backward(const Activations& a, ConstMatrix<T> dy, Pass& pass) {
  const Residual<T> residual{placement_, dropout_};
  const ConstMatrix<T> dsum2 = residual.after_backward(norm2, a.norm2, dy, pass);
  const ConstMatrix<T> dy2 = residual.undrop(a.dropout2, dsum2, pass);
  const Matrix<T> dinput2 = feed_forward.backward(a.feed_forward, dy2, pass);
  const Matrix<T> dstate = residual.before_backward(norm2, a.norm2, dinput2, dsum2, pass);
  const ConstMatrix<T> dsum1 = residual.after_backward(norm1, a.norm1, dstate, pass);
  const ConstMatrix<T> dy1 = residual.undrop(a.dropout1, dsum1, pass);
  const Matrix<T> dinput1 = attention.backward(a.attention, dy1, pass);
  return residual.before_backward(norm1, a.norm1, dinput1, dsum1, pass);
}

template <class T>
void EncoderBlock<T>::collect(ParameterList<T>& list) {
  norm1.collect(list);
  norm2.collect(list);
  attention.collect(list);
  feed_forward.collect(list);
}

template <class T>
DecoderBlock<T>::DecoderBlock(const std::string& name, const BlockShape& shape)
    : norm1(name + ".norm1", shape.width),
      norm2(name + ".norm2", shape.width),
      norm3(name + ".norm3", shape.width),
      self_attention(name + ".self_attention", shape.width, shape.heads),
      cross_attention(name + ".cross_attention", shape.width, shape.heads, shape.cross_attention),
      feed_forward(name + ".feed_forward", shape.width, shape.hidden),
      placement_(shape.norm),
      dropout_(shape.dropout) {}

template <class T>
Matrix<T> DecoderBlock<T>::forward(ConstMatrix<T> x, const Layout& layout, const KeyValues<T>& memory,
                                   Pass& pass, Activations* activations, Matrix<T> weights) const {
  Activations* const a = activations;
  const Residual<T> residual{placement_, dropout_};
  const ConstMatrix<T> input1 = residual.before(norm1, x, pass, a ? &a->norm1 : nullptr);
  const Matrix<T> y1 = self_attention.forward(input1, layout.sequences, Causal::kUpperLeft, pass,
                                              a ? &a->self_attention : nullptr);
  const Matrix<T> state1 =
      residual.after(norm1, x, y1, pass, a ? &a->norm1 : nullptr, a ? &a->dropout1 : nullptr);
  const ConstMatrix<T> input2 = residual.before(norm2, state1, pass, a ? &a->norm2 : nullptr);
  const Matrix<T> y2 = cross_attention.forward(input2, layout.groups, memory, pass,
                                               a ? &a->cross_attention : nullptr, weights);
  const Matrix<T> state2 =
      residual.after(norm2, state1, y2, pass, a ? &a->norm2 : nullptr, a ? &a->dropout2 : nullptr);
  const ConstMatrix<T> input3 = residual.before(norm3, state2, pass, a ? &a->norm3 : nullptr);
  const Matrix<T> y3 = feed_forward.forward(input3, pass, a ? &a->feed_forward : nullptr);
  return residual.after(norm3, state2, y3, pass, a ? &a->norm3 : nullptr, a ? &a->dropout3 : nullptr);
}

template <class T>
Matrix<T> DecoderBlock<T>::backward(const Activations& a, const KeyValues<T>& memory, ConstMatrix<T> dy,
                                    const typename CrossAttention<T>::MemoryGradient& memory_gradient,
                                    Pass& pass) {
  const Residual<T> residual{placement_, dropout_};
  const ConstMatrix<T> dsum3 = residual.after_backward(norm3, a.norm3, dy, pass);
  const ConstMatrix<T> dy3 = residual.undrop(a.dropout3, dsum3, pass);
  const Matrix<T> dinput3 = feed_forward.backward(a.feed_forward, dy3, pass);
  const Matrix<T> dstate2 = residual.before_backward(norm3, a.norm3, dinput3, dsum3, pass);
  const ConstMatrix<T> dsum2 = residual.after_backward(norm2, a.norm2, dstate2, pass);
  const ConstMatrix<T> dy2 = residual.undrop(a.dropout2, dsum2, pass);
  const Matrix<T> dinput2 = cross_attention.backward(a.cross_attention, memory, dy2, memory_gradient, pass);
  const Matrix<T> dstate1 = residual.before_backward(norm2, a.norm2, dinput2, dsum2, pass);
  const ConstMatrix<T> dsum1 = residual.after_backward(norm1, a.norm1, dstate1, pass);
  const ConstMatrix<T> dy1 = residual.undrop(a.dropout1, dsum1, pass);
  const Matrix<T> dinput1 = self_attention.backward(a.self_attention, dy1, pass);
  return residual.before_backward(norm1, a.norm1, dinput1, dsum1, pass);
}

template <class T>
Matrix<T> DecoderBlock<T>::step(ConstMatrix<T> x, Offsets groups, const KeyValues<T>& memory,
                                KeyValueCache<T>& cache, Pass& pass, Matrix<T> weights) const {
  const Residual<T> residual{placement_, dropout_};
  const Matrix<T> y1 = self_attention.step(residual.before(norm1, x, pass, nullptr), cache, pass);
  const Matrix<T> state1 = residual.after(norm1, x, y1, pass, nullptr, nullptr);
  const Matrix<T> y2 = cross_attention.forward(residual.before(norm2, state1, pass, nullptr), groups, memory,
                                               pass, nullptr, weights);
  const Matrix<T> state2 = residual.after(norm2, state1, y2, pass, nullptr, nullptr);
  const Matrix<T> y3 = feed_forward.forward(residual.before(norm3, state2, pass, nullptr), pass, nullptr);
  return residual.after(norm3, state2, y3, pass, nullptr, nullptr);
}

template <class T>
void DecoderBlock<T>::collect(ParameterList<T>& list) {
  norm1.collect(list);
  norm2.collect(list);
  norm3.collect(list);
  self_attention.collect(list);
  cross_attention.collect(list);
  feed_forward.collect(list);
}

template class EncoderBlock<float>;
template class EncoderBlock<double>;
template class DecoderBlock<float>;
template class DecoderBlock<double>;

}  // namespace attend
