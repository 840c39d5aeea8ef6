#include "training/self_critical.h"

#include <algorithm>
#include <memory>
#include <numeric>

#include "language/generation.h"
#include "language/vocabulary.h"

namespace attend {
namespace {

GenerationOptions sampling(const SelfCriticalOptions& options, RandomKey key) {
  GenerationOptions generation;
  generation.method = options.source == SelfCriticalOptions::Source::kBeam
                          ? GenerationOptions::Method::kBeam
                          : GenerationOptions::Method::kSample;
  generation.beam = options.samples;
  generation.no_repeat_ngram = 0;  // what is learned is the model's own distribution
  generation.min_length = 1;
  generation.max_length = options.max_length;
  generation.samples = options.samples;
  generation.key = key;
  return generation;
}

std::vector<int32_t> ids_of(const SpokenSentence& sentence) {
  std::vector<int32_t> ids;
  for (const SpokenWord& word : sentence.words) ids.push_back(word.id);
  return ids;
}

}  // namespace

SelfCritical::SelfCritical(std::span<const TrainingPhoto> photos, const SelfCriticalOptions& options)
    : options_(options) {
  std::vector<const FeatureFile*> files;
  std::vector<std::vector<std::vector<WordIds>>> references;  // of each set's images
  for (const TrainingPhoto& photo : photos) {
    const auto set =
        static_cast<size_t>(std::find(files.begin(), files.end(), photo.views.front()) - files.begin());
    if (set == files.size()) {
      files.push_back(photo.views.front());
      references.emplace_back();
    }
    places_.push_back({set, static_cast<int64_t>(references[set].size())});
    references[set].push_back(photo.references);
  }
  for (const std::vector<std::vector<WordIds>>& of_set : references) sets_.emplace_back(of_set);
}

double SelfCritical::reward(std::span<const int32_t> sentence, int64_t photo) const {
  const Place& place = places_[static_cast<size_t>(photo)];
  return sets_[place.set].score(sentence, place.image);
}

double SelfCritical::sample(const CaptionModel<float>& model, std::span<const PickedPhoto> picked,
                            ConstMatrix<float> features, RandomKey key, Executor& executor,
                            PackedCaptions& packed) const {
  const std::unique_ptr<NextWord> words = look_at(model, features, executor);
  const std::vector<std::vector<SpokenSentence>> drawn =
      generate(*words, SpecialWords{}, sampling(options_, key));
  std::vector<std::vector<double>> rewards(picked.size());
  executor.for_each(static_cast<int64_t>(picked.size()), [&](int64_t i, int) {
    for (const SpokenSentence& sentence : drawn[static_cast<size_t>(i)]) {
      std::vector<int32_t> ids = ids_of(sentence);
      if (sentence.ended) ids.push_back(Vocabulary::kEnd);
      rewards[static_cast<size_t>(i)].push_back(reward(ids, picked[static_cast<size_t>(i)].photo));
    }
  });
  double sum = 0, count = 0;
  for (size_t i = 0; i < picked.size(); ++i) {
    const std::vector<double> advantage = advantages(rewards[i]);
    for (size_t k = 0; k < advantage.size(); ++k) {
      packed.add_caption(ids_of(drawn[i][k]), drawn[i][k].ended, static_cast<float>(advantage[k]));
      sum += rewards[i][k];
      ++count;
    }
    packed.end_photo();
  }
  return sum / count;
}

std::vector<double> advantages(std::span<const double> rewards) {
  if (rewards.size() == 1) return {0.0};
  const double sum = std::accumulate(rewards.begin(), rewards.end(), 0.0);
  const double others = static_cast<double>(rewards.size() - 1);
  std::vector<double> result;
  for (const double reward : rewards) result.push_back(reward - (sum - reward) / others);
  return result;
}

}  // namespace attend
