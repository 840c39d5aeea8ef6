#include "training/translation_recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "training/recorded_recipe.h"

namespace attend {
namespace {

TEST(TranslationRecipe, WhatIsOutOfRangeIsNamedWithItsValue) {
  const auto message = [](auto change) {
    TranslationRecipe recipe;
    change(recipe);
    return check(recipe).message();
  };
  EXPECT_EQ(message([](TranslationRecipe&) {}), "");
  EXPECT_EQ(message([](TranslationRecipe& r) { r.model.width = 0; }),
            "width is 0, and must be from 1 to 8192");
  EXPECT_EQ(message([](TranslationRecipe& r) { r.model.heads = 3; }),
            "width 128 is not a multiple of its 3 heads");
  EXPECT_EQ(message([](TranslationRecipe& r) {
              r.model.width = 1032;
              r.model.heads = 1;
            }),
            "width 1032 makes each of its heads 1032 wide, more than 1024");
  EXPECT_EQ(message([](TranslationRecipe& r) { r.model.max_length = 3; }),
            "longest sentence is 3, not in [4, 1024]");
  EXPECT_EQ(message([](TranslationRecipe& r) { r.learning.rate = -1; }),
            "learning rate is -1, not in [0, 1]");
  EXPECT_EQ(message([](TranslationRecipe& r) { r.learning.validation_beam = 101; }),
            "validation beam is 101, not in [1, 100]");
  EXPECT_EQ(message([](TranslationRecipe& r) { r.learning.epochs = 0; }),
            "epochs is 0, and there are no parameters to start from");
}

// To the byte: a run goes on only with the text that it began with.
TEST(TranslationRecipe, IsRecordedAsItAlwaysWas) {
  const std::vector<std::string> sentences = {"a dog", "a cat", "ein Hund", "eine Katze"};
  Result<SentencePieces> pieces = SentencePieces::train(sentences, 18);
  ASSERT_TRUE(pieces.ok()) << pieces.status().message();
  TranslationSet set{std::move(pieces).value(), {}, {{"a dog"}, {"ein Hund"}}};
  set.pairs = encode_pairs({{"a cat"}, {"eine Katze"}}, set.pieces, 8).pairs;
  const std::string text = describe(TranslationRecipe(), set);
  EXPECT_EQ(text.substr(0, text.find("  \"data_fingerprint\"")), R"({
  "source": "en",
  "target": "de",
  "width": 128,
  "heads": 4,
  "hidden": 256,
  "encoder_layers": 4,
  "decoder_layers": 4,
  "norm": "pre",
  "dropout": 0.3,
  "max_length": 256,
  "epochs": 12,
  "batch_pieces": 4096,
  "learning_rate": 0.005,
  "warmup_steps": 2000,
  "label_smoothing": 0.1,
  "beta1": 0.9,
  "beta2": 0.98,
  "epsilon": 1e-09,
  "weight_decay": 0.0001,
  "clip": 0.0,
  "seed": 1,
  "patience": 4,
  "average": 3,
  "validation_beam": 1,
  "precision": "float32",
  "start": [],
  "pieces": 18,
  "train_pairs": 1,
  "validation_pairs": 1,
)");
}

}  // namespace
}  // namespace attend
