#include "training/self_critical.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "training/synthetic.h"

namespace attend {
namespace {

TEST(Advantages, EachRewardIsMeasuredAgainstTheOthers) {
  const std::vector<double> a = advantages(std::vector<double>{1, 2, 6});
  EXPECT_DOUBLE_EQ(a[0], 1 - 4.0);
  EXPECT_DOUBLE_EQ(a[1], 2 - 3.5);
  EXPECT_DOUBLE_EQ(a[2], 6 - 1.5);
  EXPECT_NEAR(std::accumulate(a.begin(), a.end(), 0.0), 0, 1e-12);
}

TEST(Advantages, EqualRewardsTeachNothing) {
  for (const double a : advantages(std::vector<double>(4, 0.7))) EXPECT_NEAR(a, 0, 1e-15);
  EXPECT_EQ(advantages(std::vector<double>{0.7}), std::vector<double>{0});
}

struct Sampled {
  double reward;
  PackedCaptions packed{12};
};

using Source = SelfCriticalOptions::Source;

Sampled sample(const ToyWorld& world, Executor& executor, RandomKey key, Source source = Source::kChance) {
  CaptionModel<float> model(world.shape());
  initialize(model.parameters(), 5);
  const std::vector<PickedPhoto> picked = {{3, false}, {7, true}, {25, false}};
  std::vector<float> memory(3 * kToyPatches * kToyFeatures);
  const Matrix<float> features(memory.data(), 3 * kToyPatches, kToyFeatures);
  gather_features(world.set.photos, picked, executor, features);
  const SelfCritical critic(world.set.photos, {.source = source, .samples = 4, .max_length = 8});
  Sampled sampled{};
  sampled.reward = critic.sample(model, picked, features, key, executor, sampled.packed);
  return sampled;
}

TEST(SelfCritical, SamplesAreWeighedByAnAdvantageThatSumsToNothingOverAPhoto) {
  const ToyWorld world;
  const Sampled sampled = sample(world, serial_executor(), RandomKey(1));
  const CaptionBatch<float> batch = sampled.packed.with({});
  ASSERT_EQ(batch.captions.size(), 13u);
  ASSERT_EQ(batch.photos.size(), 4u);
  EXPECT_GE(sampled.reward, 0);
  for (size_t photo = 0; photo < 3; ++photo) {
    double sum = 0;
    for (size_t k = 0; k < 4; ++k) {
      const size_t first = static_cast<size_t>(batch.captions[4 * photo + k]);
      EXPECT_EQ(batch.words[first], Vocabulary::kStart);
      sum += static_cast<double>(batch.weights[first]);
    }
    EXPECT_NEAR(sum, 0, 1e-5);
    EXPECT_EQ(batch.photos[photo + 1], batch.captions[4 * (photo + 1)]);
  }
}

TEST(SelfCritical, WhatIsCommonInOnesOwnSetEarnsLittleHoweverRareElsewhere) {
  // Each photo's sentence is scored as its set is scored: alone, or beside photos of another set.
  const ToyWorld world;
  const std::vector<TrainingPhoto> alone(world.set.photos.begin(), world.set.photos.end());
  std::vector<TrainingPhoto> beside = alone;
  const FeatureFile* elsewhere = alone.front().views.front() + 1;  // only its address is looked at
  for (TrainingPhoto photo : alone) {
    photo.views = {elsewhere};
    for (std::vector<int32_t>& caption : photo.references) caption = {7, 7, 7, 7, Vocabulary::kEnd};
    beside.push_back(photo);
  }
  CaptionModel<float> model(world.shape());
  initialize(model.parameters(), 5);
  const std::vector<PickedPhoto> picked = {{3, false}, {7, true}, {25, false}};
  std::vector<float> memory(3 * kToyPatches * kToyFeatures);
  const Matrix<float> features(memory.data(), 3 * kToyPatches, kToyFeatures);
  gather_features(alone, picked, serial_executor(), features);
  const auto reward = [&](const std::vector<TrainingPhoto>& photos) {
    PackedCaptions packed(12);
    const SelfCritical critic(photos, {.samples = 20, .max_length = 8});
    return critic.sample(model, picked, features, RandomKey(1), serial_executor(), packed);
  };
  EXPECT_GT(reward(alone), 0);
  EXPECT_EQ(reward(alone), reward(beside));
}

TEST(SelfCritical, ABeamsSentencesDifferAndDoNotDependOnTheKey) {
  const ToyWorld world;
  const Sampled one = sample(world, serial_executor(), RandomKey(1), Source::kBeam);
  const Sampled two = sample(world, serial_executor(), RandomKey(2), Source::kBeam);
  const CaptionBatch<float> batch = one.packed.with({}), again = two.packed.with({});
  EXPECT_TRUE(std::ranges::equal(batch.words, again.words));
  std::set<std::vector<int32_t>> sentences;
  for (size_t k = 0; k < 4; ++k) {
    const auto rows =
        batch.next_words.subspan(static_cast<size_t>(batch.captions[k]),
                                 static_cast<size_t>(batch.captions[k + 1] - batch.captions[k]));
    sentences.insert({rows.begin(), rows.end()});
  }
  EXPECT_EQ(sentences.size(), 4u);
}

TEST(SelfCritical, DrawsDependOnTheKeyAndNotOnTheWorkers) {
  const ToyWorld world;
  const auto words = [](const Sampled& s) {
    const CaptionBatch<float> batch = s.packed.with({});
    return std::vector<int32_t>(batch.words.begin(), batch.words.end());
  };
  const std::unique_ptr<Executor> executor = make_thread_executor(3);
  const Sampled one = sample(world, serial_executor(), RandomKey(1)),
                many = sample(world, *executor, RandomKey(1));
  EXPECT_EQ(words(one), words(many));
  EXPECT_EQ(one.reward, many.reward);
  EXPECT_NE(words(one), words(sample(world, serial_executor(), RandomKey(2))));
}

TEST(TrainingPhoto, ReferencesKeepWordsThatTheVocabularyLacksAndCloseWithTheEnd) {
  const std::vector<std::vector<std::string>> common = {{"a", "dog"}, {"a", "dog"}};
  const Vocabulary vocabulary = Vocabulary::build(common, 2);
  WordTable words;
  for (const std::string& word : vocabulary.words()) words.intern(word);
  CaptionedPhoto photo;
  photo.words = {{"a", "zebra", "dog"}};
  const TrainingPhoto made = make_training_photo(photo, vocabulary, words);
  const int32_t a = vocabulary.id("a"), dog = vocabulary.id("dog");
  EXPECT_EQ(made.captions[0], (std::vector<int32_t>{a, Vocabulary::kUnknown, dog}));
  EXPECT_EQ(made.references[0], (std::vector<int32_t>{a, vocabulary.size(), dog, Vocabulary::kEnd}));
}

}  // namespace
}  // namespace attend
