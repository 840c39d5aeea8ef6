// A little world to train in: photos of a coloured thing, whose captions say which colour and which thing.
#ifndef ATTEND_TESTS_TRAINING_SYNTHETIC_H_
#define ATTEND_TESTS_TRAINING_SYNTHETIC_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/half.h"
#include "base/random.h"
#include "cli/temporary_folder.h"
#include "language/ptb_tokenizer.h"
#include "training/caption_learner.h"
#include "training/caption_recipe.h"
#include "training/trainer.h"
#include "training/training_set.h"

namespace attend {

inline constexpr int64_t kToyPatches = 4, kToyFeatures = 7;

/// Photo `i` shows thing i % 4 in colour i / 4 % 3, in one of its four patches.
inline CaptionedPhoto toy_photo(int64_t i) {
  static const std::vector<std::string> kColours = {"red", "blue", "green"},
                                        kThings = {"dog", "cat", "bird", "ball"};
  const std::string colour = kColours[static_cast<size_t>(i / 4 % 3)],
                    thing = kThings[static_cast<size_t>(i % 4)];
  CaptionedPhoto photo;
  photo.image = "photo" + std::to_string(i) + ".jpg";
  photo.texts = {"A " + colour + " " + thing + ".", "The " + thing + " is " + colour};
  if (i % 5 == 0) photo.texts.push_back("there is a " + thing + " on the left");
  for (const std::string& text : photo.texts) photo.words.push_back(split_words(text));
  photo.sided = i % 5 == 0;
  return photo;
}

/// [2, patches, features] halves: the photo, then its mirror image (the thing in another patch), with some
/// noise.
inline std::vector<uint16_t> toy_features(int64_t i) {
  const RandomKey noise = RandomKey(77).child(static_cast<uint64_t>(i));
  std::vector<float> features;
  for (int64_t e = 0; e < 2 * kToyPatches * kToyFeatures; ++e) {
    const int64_t mirror = e / (kToyPatches * kToyFeatures), patch = e / kToyFeatures % kToyPatches;
    const int64_t feature = e % kToyFeatures;
    const bool there = patch == (i + mirror) % kToyPatches;
    const bool lit = feature == i / 4 % 3 || feature == 3 + i % 4;
    features.push_back((there && lit ? 2.0f : 0.0f) +
                       0.1f * static_cast<float>(noise.uniform(static_cast<uint64_t>(e))));
  }
  std::vector<uint16_t> halves(features.size());
  floats_to_halves(features, halves);
  return halves;
}

/// Photos [first, first + count) in a feature file.
inline FeatureFile toy_feature_file(const std::string& path, int64_t first, int64_t count) {
  const FeatureFileShape shape{static_cast<uint64_t>(first), count, kToyPatches, kToyFeatures};
  Result<FeatureFileWriter> writer = FeatureFileWriter::open(path, shape);
  EXPECT_TRUE(writer.ok()) << writer.status().message();
  for (int64_t i = first; i < first + count; ++i) EXPECT_TRUE(writer.value().append(toy_features(i)).ok());
  EXPECT_TRUE(writer.value().finish().ok());
  return FeatureFile::open(path, shape).value();
}

struct ToyWorld {
  TemporaryFolder folder;
  TrainingSet set = make();
  CaptionRecipe recipe = make_recipe();

  CaptionTask task() const { return {set.photos, set.validation, &set.vocabulary}; }
  CaptionModelShape shape() const { return shape_of(recipe.model, set); }

 private:
  static constexpr int64_t kTrain = 26, kVal = 12;

  TrainingSet make() {
    DataFolder data;
    data.name = "toys";
    for (int64_t i = 0; i < kTrain; ++i) data.train.push_back(toy_photo(i));
    for (int64_t i = 0; i < kVal; ++i) data.val.push_back(toy_photo(100 + i));
    TrainingSet made{train_vocabulary(std::span(&data, 1), 1), {}, {}, {}};
    made.features.push_back(toy_feature_file(folder / "train", 0, kTrain));
    made.features.push_back(toy_feature_file(folder / "val", 100, kVal));
    WordTable words;
    for (const std::string& word : made.vocabulary.words()) words.intern(word);
    for (int64_t i = 0; i < kTrain; ++i) {
      made.photos.push_back(make_training_photo(data.train[static_cast<size_t>(i)], made.vocabulary, words));
      made.photos.back().views = {&made.features.front()};
      made.photos.back().index = i;
    }
    made.validation.push_back(make_validation_set(data, data.val, made.features.back()));
    return made;
  }
  static CaptionRecipe make_recipe() {
    CaptionRecipe recipe;
    recipe.model = {.width = 16, .heads = 2, .hidden = 32, .layers = 1, .encoder_layers = 1, .most_rows = 12};
    recipe.model.dropout = recipe.model.embedding_dropout = 0.1;
    recipe.learning.epochs = 4;
    recipe.learning.photos_per_batch = 4;
    recipe.learning.rate = 1e-2;
    recipe.learning.last_rate = 1e-4;
    recipe.learning.warmup = 5;
    recipe.learning.average = 2;
    recipe.learning.patience = 0;
    recipe.learning.log_steps = 3;
    recipe.learning.adamw.clip = 1;
    recipe.learning.generation.max_length = 8;
    return recipe;
  }
};

}  // namespace attend

#endif  // ATTEND_TESTS_TRAINING_SYNTHETIC_H_
