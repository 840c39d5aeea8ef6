#include "language/text_encoder.h"

namespace attend {

template <class T>
TextEncoder<T>::TextEncoder(const std::string& name, const TextEncoderShape& shape)
    : norm_(name + ".norm", shape.block.width) {
  blocks_.reserve(static_cast<size_t>(shape.layers));
  for (int i = 0; i < shape.layers; ++i) {
    blocks_.emplace_back(name + ".blocks." + std::to_string(i), shape.block);
  }
}

template <class T>
Matrix<T> TextEncoder<T>::forward(ConstMatrix<T> x, Offsets sentences, Pass& pass,
                                  Activations* activations) const {
  if (activations) activations->blocks.resize(blocks_.size());
  for (size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i].forward(x, sentences, Causal::kNone, pass,
                           activations ? &activations->blocks[i] : nullptr);
  }
  return norm_.forward(x, pass, activations ? &activations->norm : nullptr);
}

template <class T>
Matrix<T> TextEncoder<T>::backward(const Activations& activations, ConstMatrix<T> dy, Pass& pass) {
  Matrix<T> dx = norm_.backward(activations.norm, dy, pass);
  for (size_t i = blocks_.size(); i-- > 0;) dx = blocks_[i].backward(activations.blocks[i], dx, pass);
  return dx;
}

template <class T>
void TextEncoder<T>::collect(ParameterList<T>& list) {
  for (EncoderBlock<T>& block : blocks_) block.collect(list);
  norm_.collect(list);
}

template class TextEncoder<float>;
template class TextEncoder<double>;

}  // namespace attend
