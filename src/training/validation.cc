#include "training/validation.h"

#include <algorithm>
#include <memory>

#include "base/half.h"
#include "language/word_rules.h"

namespace attend {
namespace {

constexpr int64_t kPhotosAtOnce = 50;  // enough rows for the matrix products to run at full speed

std::string sentence_of(const SpokenSentence& sentence, const Vocabulary& vocabulary) {
  std::vector<int32_t> ids;
  for (const SpokenWord& word : sentence.words) ids.push_back(word.id);
  return vocabulary.decode(ids);
}

}  // namespace

std::vector<CandidateCaption> caption_set(const CaptionModel<float>& model, const Vocabulary& vocabulary,
                                          const ValidationSet& set, const GenerationOptions& options,
                                          Executor& executor) {
  const int64_t patches = set.features->shape().patches, width = set.features->shape().width;
  const int64_t photos = static_cast<int64_t>(set.images.size());
  std::vector<float> memory(static_cast<size_t>(std::min(kPhotosAtOnce, photos) * patches * width));
  const SpecialWords special = special_words(vocabulary);
  std::vector<CandidateCaption> captions;
  for (int64_t begin = 0; begin < photos; begin += kPhotosAtOnce) {
    const int64_t count = std::min(kPhotosAtOnce, photos - begin);
    const Matrix<float> features(memory.data(), count * patches, width);
    executor.for_each(count, [&](int64_t i, int) {
      halves_to_floats(set.features->features(begin + i, false),
                       features.slice(i * patches, patches).values());
    });
    const std::unique_ptr<NextWord> words = look_at(model, features, executor);
    for (const std::vector<SpokenSentence>& sentences : generate(*words, special, options)) {
      captions.push_back({set.images[captions.size()], sentence_of(sentences.front(), vocabulary)});
    }
  }
  return captions;
}

Result<Scores> validate(const CaptionModel<float>& model, const Vocabulary& vocabulary,
                        const ValidationSet& set, const GenerationOptions& options, Executor& executor) {
  return score_captions(caption_set(model, vocabulary, set, options, executor), set.references);
}

}  // namespace attend
