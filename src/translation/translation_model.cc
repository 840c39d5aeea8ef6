#include "translation/translation_model.h"

#include "nn/cross_entropy.h"
#include "nn/residual.h"

namespace attend {

template <class T>
TranslationModel<T>::TranslationModel(const TranslationModelShape& shape)
    : encoder("encoder", shape.encoder), decoder("decoder", shape.decoder), shape_(shape) {}

template <class T>
double TranslationModel<T>::learn(const TranslationBatch& batch, double label_smoothing, double scale,
                                  Pass& pass) {
  typename TextEmbedding<T>::Activations embedded;
  typename TextEncoder<T>::Activations encoded;
  typename TextDecoder<T>::Activations decoded;
  const Matrix<T> x = decoder.embedding.forward(batch.source, batch.sources, pass, &embedded);
  const Matrix<T> state = encoder.forward(x, batch.sources, pass, &encoded);  // [source rows, width]
  const auto memory = decoder.remember(state, state, batch.sources, pass);
  const Matrix<T> logits = decoder.forward(batch.words, {batch.targets, batch.targets}, memory, pass,
                                           &decoded);  // [rows, vocabulary]
  const double loss = cross_entropy(logits, {batch.next_words, {}}, label_smoothing, scale, pass);
  const auto dmemory = decoder.backward(decoded, state, state, memory, logits, pass);
  add_to<T>(dmemory.key_input, dmemory.value_input, pass);
  decoder.embedding.backward(embedded, encoder.backward(encoded, dmemory.key_input, pass), pass);
  return loss;
}

template <class T>
double TranslationModel<T>::loss(const TranslationBatch& batch, double label_smoothing, Pass& pass) const {
  const Matrix<T> state = encode(batch.source, batch.sources, pass);
  const auto memory = decoder.remember(state, state, batch.sources, pass);
  const Matrix<T> logits =
      decoder.forward(batch.words, {batch.targets, batch.targets}, memory, pass, nullptr);
  return cross_entropy(logits, {batch.next_words, {}}, label_smoothing, 1.0, pass);
}

template <class T>
Matrix<T> TranslationModel<T>::encode(std::span<const int32_t> source, Offsets sources, Pass& pass) const {
  return encoder.forward(decoder.embedding.forward(source, sources, pass, nullptr), sources, pass, nullptr);
}

template <class T>
ParameterList<T> TranslationModel<T>::parameters() {
  ParameterList<T> list;
  encoder.collect(list);
  decoder.collect(list);
  return list;
}

template class TranslationModel<float>;
template class TranslationModel<double>;

std::unique_ptr<NextWord> read(std::span<const int32_t> source, Offsets sources,
                               const MemoryInWordsOptions& options, const TranslationModel<float>& model,
                               Executor& executor) {
  Arena arena;
  Pass pass(arena, executor);
  const Matrix<float> state = model.encode(source, sources, pass);
  return speak_about({state, state, sources}, options, model.decoder, executor);
}

}  // namespace attend
