#include "training/caption_recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "training/recorded_recipe.h"
#include "training/synthetic.h"

namespace attend {
namespace {

TEST(CaptionRecipe, WhatIsOutOfRangeIsNamedWithItsValue) {
  const auto message = [](auto change) {
    CaptionRecipe recipe;
    change(recipe);
    return check(recipe).message();
  };
  EXPECT_EQ(message([](CaptionRecipe&) {}), "");
  EXPECT_EQ(message([](CaptionRecipe& r) { r.model.dropout = 1; }), "dropout is 1, not in [0, 0.95]");
  EXPECT_EQ(message([](CaptionRecipe& r) { r.learning.noise.patch_dropout = -1; }),
            "patch dropout is -1, not in [0, 0.95]");
  EXPECT_EQ(message([](CaptionRecipe& r) { r.model.heads = 3; }),
            "width 256 is not a multiple of its 3 heads");
  EXPECT_EQ(message([](CaptionRecipe& r) {
              r.model.width = 1032;
              r.model.heads = 1;
            }),
            "width 1032 makes each of its heads 1032 wide, more than 1024");
  EXPECT_EQ(message([](CaptionRecipe& r) { r.learning.label_smoothing = 2; }),
            "label smoothing is 2, not in [0, 0.9]");
  EXPECT_EQ(message([](CaptionRecipe& r) { r.learning.adamw.beta2 = std::nan(""); }),
            "beta2 is nan, not in [0, 0.999999]");
  EXPECT_NE(message([](CaptionRecipe& r) { r.learning.photos_per_batch = 0; }).find("batch is 0"),
            std::string::npos);
  EXPECT_NE(message([](CaptionRecipe& r) { r.learning.rate = -1; }).find("learning rate is -1"),
            std::string::npos);
  EXPECT_NE(message([](CaptionRecipe& r) { r.learning.last_rate = 0.1; }).find("last learning rate"),
            std::string::npos);
  EXPECT_NE(message([](CaptionRecipe& r) { r.learning.generation.beam = 0; }), "");
  EXPECT_NE(message([](CaptionRecipe& r) { r.set.squares.input_side = 0; }).find("input side"),
            std::string::npos);
  EXPECT_EQ(message([](CaptionRecipe& r) { r.set.squares.input_side = 33; }),
            "input side is 33, not a multiple of 32");
  const auto critical = [](CaptionRecipe& r) { r.learning.self_critical = SelfCriticalOptions{}; };
  EXPECT_NE(message(critical).find("start"), std::string::npos);
}

TEST(CaptionRecipe, TheShapeFollowsTheSet) {
  const ToyWorld world;
  const CaptionModelShape shape = world.shape();
  EXPECT_EQ(shape.patches.grid, 2);
  EXPECT_EQ(shape.patches.features, kToyFeatures);
  EXPECT_EQ(shape.text.vocabulary, world.set.vocabulary.size());
  EXPECT_EQ(shape.text.block.width, 16);
  EXPECT_EQ(shape.text.embedding_dropout, 0.1);
}

// To the byte: a run goes on only with the text that it began with.
TEST(CaptionRecipe, IsRecordedAsItAlwaysWas) {
  ToyWorld world;
  world.recipe.learning.last_rate = 2.5e-4;
  world.recipe.learning.self_critical = SelfCriticalOptions{};
  world.recipe.learning.caption_share = 0.25;
  const std::string text = describe(world.recipe, world.set);
  EXPECT_EQ(text.substr(0, text.find("  \"data_fingerprint\"")), R"({
  "squash_side": 224,
  "input_side": 288,
  "crops": 0,
  "min_count": 4,
  "width": 16,
  "heads": 2,
  "hidden": 32,
  "layers": 1,
  "encoder_layers": 1,
  "positions": 12,
  "dropout": 0.1,
  "embedding_dropout": 0.1,
  "feature_dropout": 0.0,
  "epochs": 4,
  "batch_photos": 4,
  "learning_rate": 0.01,
  "last_learning_rate": 0.00025,
  "warmup_steps": 5,
  "label_smoothing": 0.1,
  "beta1": 0.9,
  "beta2": 0.999,
  "epsilon": 1e-08,
  "weight_decay": 0.01,
  "clip": 1.0,
  "seed": 1,
  "patience": 0,
  "average": 2,
  "beam": 3,
  "channel_dropout": 0.0,
  "patch_dropout": 0.0,
  "length_exponent": 1.0,
  "precision": "float32",
  "caption_share": 0.25,
  "self_critical_source": "chance",
  "self_critical_samples": 5,
  "start": [],
  "train_photos": 26,
  "train_captions": 58,
  "vocabulary": 16,
  "validation_photos_toys": 12,
)");
}

TEST(CaptionRecipe, TwoRecipesAreToldApartByTheirFirstDifference) {
  ToyWorld world;
  const std::string before = describe(world.recipe, world.set);
  world.recipe.set.cache = "elsewhere";
  world.recipe.learning.save_seconds = 1;
  EXPECT_EQ(recipe_difference(before, describe(world.recipe, world.set)), "")
      << "makes no difference to the outcome";
  world.recipe.learning.warmup = 77;
  EXPECT_EQ(recipe_difference(before, describe(world.recipe, world.set)), "warmup_steps was 5, now 77");
  EXPECT_EQ(recipe_difference("{\"a\": 1}", "{ \"a\":1 }"), "");
  for (const char* none : {"{", "[1]", ""}) {
    EXPECT_NE(recipe_difference(none, before), "");
    EXPECT_EQ(recipe_difference(none, none), "");
  }
}

// Runs from before there was a choice of attention have none in their record, and go on.
TEST(CaptionRecipe, TheKindOfAttentionIsRemembered) {
  ToyWorld world;
  EXPECT_EQ(describe(world.recipe, world.set).find("attention"), std::string::npos);
  const std::string multihead = describe(world.recipe, world.set);
  world.recipe.model.attention = MemoryAttentionKind::kAdditive;
  EXPECT_EQ(world.shape().text.block.cross_attention, MemoryAttentionKind::kAdditive);
  const std::string additive = describe(world.recipe, world.set);
  EXPECT_EQ(recipe_difference(additive, multihead), "attention was \"additive\", now is not chosen");
  world.recipe.model.attention = MemoryAttentionKind::kTanh;
  EXPECT_EQ(recipe_difference(additive, describe(world.recipe, world.set)),
            "attention was \"additive\", now \"tanh\"");
}

TEST(CaptionRecipe, OtherCaptionsAreOtherData) {
  ToyWorld world;
  const std::string before = describe(world.recipe, world.set);
  world.set.captions ^= 1;
  EXPECT_NE(describe(world.recipe, world.set), before);
}

}  // namespace
}  // namespace attend
