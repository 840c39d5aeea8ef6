#include "training/training_recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "training/recorded_recipe.h"
#include "training/synthetic.h"

namespace attend {
namespace {

TEST(TrainingRecipe, WhatIsOutOfRangeIsNamedWithItsValue) {
  const auto message = [](auto change) {
    TrainingRecipe recipe;
    change(recipe);
    return check(recipe).message();
  };
  EXPECT_EQ(message([](TrainingRecipe&) {}), "");
  EXPECT_EQ(message([](TrainingRecipe& r) { r.model.dropout = 1; }), "dropout is 1, not in [0, 0.95]");
  EXPECT_EQ(message([](TrainingRecipe& r) { r.learning.noise.patch_dropout = -1; }),
            "patch dropout is -1, not in [0, 0.95]");
  EXPECT_EQ(message([](TrainingRecipe& r) { r.model.heads = 3; }), "width 256 is not a multiple of heads 3");
  EXPECT_NE(message([](TrainingRecipe& r) { r.learning.photos_per_batch = 0; }).find("batch is 0"),
            std::string::npos);
  EXPECT_NE(message([](TrainingRecipe& r) { r.learning.rate = -1; }).find("learning rate is -1"),
            std::string::npos);
  EXPECT_NE(message([](TrainingRecipe& r) { r.learning.last_rate = 0.1; }).find("last learning rate"),
            std::string::npos);
  EXPECT_NE(message([](TrainingRecipe& r) { r.learning.generation.beam = 0; }), "");
  EXPECT_NE(message([](TrainingRecipe& r) { r.set.squares.input_side = 0; }).find("input side"),
            std::string::npos);
  const auto critical = [](TrainingRecipe& r) { r.learning.self_critical = SelfCriticalOptions{}; };
  EXPECT_NE(message(critical).find("start"), std::string::npos);
}

TEST(TrainingRecipe, TheShapeFollowsTheSet) {
  const ToyWorld world;
  const CaptionModelShape shape = world.shape();
  EXPECT_EQ(shape.patches.grid, 2);
  EXPECT_EQ(shape.patches.features, kToyFeatures);
  EXPECT_EQ(shape.text.vocabulary, world.set.vocabulary.size());
  EXPECT_EQ(shape.text.block.width, 16);
  EXPECT_EQ(shape.text.embedding_dropout, 0.1);
}

TEST(TrainingRecipe, ARunRemembersItsRecipeAndNamesWhatDiffers) {
  ToyWorld world;
  const std::string path = world.folder / "recipe.json";
  ASSERT_TRUE(record_recipe(path, describe(world.recipe, world.set)).ok());
  EXPECT_TRUE(record_recipe(path, describe(world.recipe, world.set)).ok());
  world.recipe.set.cache = "elsewhere";
  world.recipe.learning.save_seconds = 1;
  EXPECT_TRUE(record_recipe(path, describe(world.recipe, world.set)).ok())
      << "makes no difference to the outcome";
  world.recipe.learning.warmup = 77;
  const Status status = record_recipe(path, describe(world.recipe, world.set));
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("warmup_steps was 5, now 77"), std::string::npos) << status.message();
}

// Runs from before there was a choice of attention have none in their record, and go on.
TEST(TrainingRecipe, TheKindOfAttentionIsRemembered) {
  ToyWorld world;
  EXPECT_EQ(describe(world.recipe, world.set).find("attention"), std::string::npos);
  const std::string path = world.folder / "recipe.json", multihead = describe(world.recipe, world.set);
  world.recipe.model.attention = MemoryAttentionKind::kAdditive;
  EXPECT_EQ(world.shape().text.block.cross_attention, MemoryAttentionKind::kAdditive);
  ASSERT_TRUE(record_recipe(path, describe(world.recipe, world.set)).ok());
  EXPECT_THAT(record_recipe(path, multihead).message(),
              ::testing::HasSubstr("attention was \"additive\", now is not chosen"));
  world.recipe.model.attention = MemoryAttentionKind::kTanh;
  EXPECT_THAT(record_recipe(path, describe(world.recipe, world.set)).message(),
              ::testing::HasSubstr("attention was \"additive\", now \"tanh\""));
}

TEST(TrainingRecipe, OtherCaptionsAreOtherData) {
  ToyWorld world;
  const std::string before = describe(world.recipe, world.set);
  std::swap(world.set.photos[1].captions[0][0], world.set.photos[1].captions[0][1]);
  EXPECT_NE(describe(world.recipe, world.set), before);
}

TEST(TrainingRecipe, ARecordThatIsNoJsonIsCorrupt) {
  const TemporaryFolder folder;
  EXPECT_EQ(record_recipe(folder.file("recipe.json", "{"), "{}").code(), StatusCode::kCorrupt);
  EXPECT_EQ(record_recipe(folder.file("recipe.json", "[1]"), "{}").code(), StatusCode::kCorrupt);
}

}  // namespace
}  // namespace attend
