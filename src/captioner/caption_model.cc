#include "captioner/caption_model.h"

namespace attend {
namespace {

template <class T>
typename DecoderBlock<T>::Layout layout_of(const CaptionBatch<T>& batch) {
  return {batch.captions, batch.photos};
}

template <class T>
Targets targets_of(const CaptionBatch<T>& batch) {
  return {batch.next_words, batch.weights};
}

}  // namespace

template <class T>
CaptionModel<T>::CaptionModel(const CaptionModelShape& shape)
    : patches("patches", shape.patches), text("text", shape.text), shape_(shape) {}

template <class T>
double CaptionModel<T>::learn(const CaptionBatch<T>& batch, double label_smoothing, double scale,
                              Pass& pass) {
  typename PatchEncoder<T>::Activations seen;
  typename TextDecoder<T>::Activations read;
  const auto photo = patches.forward(batch.features, pass, &seen);
  const auto memory = text.remember(photo.key_input, photo.value_input, photo.offsets, pass);
  const Matrix<T> logits =
      text.forward(batch.words, layout_of(batch), memory, pass, &read);  // [rows, vocabulary]
  const double loss = cross_entropy(logits, targets_of(batch), label_smoothing, scale, pass);
  const auto dphoto = text.backward(read, photo.key_input, photo.value_input, memory, logits, pass);
  patches.backward(seen, dphoto.key_input, dphoto.value_input, pass);
  return loss;
}

template <class T>
double CaptionModel<T>::loss(const CaptionBatch<T>& batch, double label_smoothing, Pass& pass) const {
  const auto photo = patches.forward(batch.features, pass, nullptr);
  const auto memory = text.remember(photo.key_input, photo.value_input, photo.offsets, pass);
  const Matrix<T> logits = text.forward(batch.words, layout_of(batch), memory, pass, nullptr);
  return cross_entropy(logits, targets_of(batch), label_smoothing, 1.0, pass);
}

template <class T>
ParameterList<T> CaptionModel<T>::parameters() {
  ParameterList<T> list;
  patches.collect(list);
  text.collect(list);
  return list;
}

template class CaptionModel<float>;
template class CaptionModel<double>;

}  // namespace attend
