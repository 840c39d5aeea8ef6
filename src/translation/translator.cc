#include "translation/translator.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "language/white_space.h"
#include "translation/translate.h"

namespace attend {
namespace {

/// The pieces of a sentence grouped into words: pieces [first[w], first[w + 1]) are word w. A piece that
/// begins with a space begins a word.
struct WordsOfPieces {
  std::vector<std::string> text;
  std::vector<size_t> first;

  explicit WordsOfPieces(std::span<const std::string> pieces) {
    for (size_t i = 0; i < pieces.size(); ++i) {
      const bool begins = pieces[i].starts_with(' ');
      if (begins || text.empty()) {
        first.push_back(i);
        text.emplace_back();
      }
      text.back() += pieces[i].substr(begins ? 1 : 0);
    }
    first.push_back(pieces.size());
  }
};

/// Attention on pieces -> on words; what comes after the last word, the end, by itself.
std::vector<float> on_words(std::span<const float> on_pieces, const WordsOfPieces& source) {
  std::vector<float> weights(source.text.size() + 1);
  for (size_t w = 0; w < source.text.size(); ++w) {
    for (size_t i = source.first[w]; i < source.first[w + 1]; ++i) weights[w] += on_pieces[i];
  }
  weights.back() = on_pieces[source.first.back()];
  return weights;
}

std::vector<TranslatedWord> words_of(const SpokenSentence& spoken, const WordsOfPieces& source,
                                     const SentencePieces& pieces) {
  std::vector<std::string> said;
  for (const SpokenWord& piece : spoken.words) said.push_back(pieces.text(piece.id));
  const WordsOfPieces target(said);
  std::vector<TranslatedWord> words;
  for (size_t w = 0; w < target.text.size(); ++w) {
    TranslatedWord word{target.text[w], 1.0, {}};
    const size_t first = target.first[w], count = target.first[w + 1] - first;
    for (const SpokenWord& piece : std::span(spoken.words).subspan(first, count)) {
      word.probability *= static_cast<double>(piece.probability);
      if (piece.attention.empty()) continue;
      word.attention.resize(source.text.size() + 1);
      const std::vector<float> weights = on_words(piece.attention, source);
      for (size_t i = 0; i < weights.size(); ++i) word.attention[i] += weights[i] / static_cast<float>(count);
    }
    words.push_back(std::move(word));
  }
  return words;
}

Translation to_translation(const SpokenSentence& spoken, std::span<const std::string> source,
                           const SentencePieces& pieces) {
  std::vector<int32_t> ids;
  for (const SpokenWord& piece : spoken.words) ids.push_back(piece.id);
  WordsOfPieces read(source);
  Translation translation;
  translation.text = pieces.decode(ids);
  translation.log_probability = spoken.log_probability;
  translation.ended = spoken.ended;
  translation.words = words_of(spoken, read, pieces);
  translation.source_words = std::move(read.text);
  return translation;
}

}  // namespace

GenerationOptions translation_defaults() {
  GenerationOptions options;
  options.beam = 5;
  options.no_repeat_ngram = 0;
  options.min_length = 1;
  options.max_length = 1024;
  return options;
}

SpecialWords special_words(const SentencePieces& pieces) {
  return {.start = pieces.start(), .end = pieces.end(), .unknown = pieces.unknown()};
}

std::vector<Translation> translate_text(std::span<const std::string> sentences,
                                        const TranslationOptions& options, const SentencePieces& pieces,
                                        const TranslationModel<float>& model, Executor& executor) {
  const size_t most = static_cast<size_t>(model.shape().decoder.max_length - 1);
  std::vector<Translation> translations(sentences.size());
  std::vector<std::vector<int32_t>> sources;
  std::vector<std::vector<std::string>> texts;  // of the pieces of each source
  std::vector<size_t> of;                       // which sentence a source is
  for (size_t i = 0; i < sentences.size(); ++i) {
    CutSentence source = pieces.cut(single_spaced(sentences[i]));
    const size_t length = source.ids.size();
    if (length == 0) continue;
    translations[i].cut = length > most;
    source.ids.resize(std::min(length, most));
    source.texts.resize(std::min(length, most));
    sources.push_back(std::move(source.ids));
    texts.push_back(std::move(source.texts));
    of.push_back(i);
  }
  const std::vector<SpokenSentence> spoken =
      translate(sources, special_words(pieces), options.generation, options.at_once, model, executor);
  for (size_t s = 0; s < spoken.size(); ++s) {
    const bool cut = translations[of[s]].cut;
    translations[of[s]] = to_translation(spoken[s], texts[s], pieces);
    translations[of[s]].cut = cut;
  }
  return translations;
}

}  // namespace attend
