#include "training/training_state.h"

#include <gtest/gtest.h>

#include <limits>

#include "checkpoint/safetensors.h"
#include "cli/temporary_folder.h"

namespace attend {
namespace {

struct State {
  Parameter<float> a{"a", 2, 3, Initial::normal(1), Parameter<float>::Decay::kYes};
  Parameter<float> b{"b", 1, 5, Initial::normal(1), Parameter<float>::Decay::kNo};
  ParameterList<float> list{&a, &b};
  AdamW<float> optimiser{list, {}};

  explicit State(uint64_t seed) {
    initialize(list, seed);
    for (int step = 0; step < 3; ++step) {
      for (float& g : a.gradient().values()) g = 0.1f + static_cast<float>(step);
      for (float& g : b.gradient().values()) g = -0.3f;
      optimiser.step(0.01, serial_executor());
    }
  }
  std::vector<float> numbers() {
    std::vector<float> all;
    for (size_t i = 0; i < list.size(); ++i) {
      for (const std::span<float> part :
           {list[i]->value().values(), optimiser.first_moment(i), optimiser.second_moment(i)}) {
        all.insert(all.end(), part.begin(), part.end());
      }
    }
    return all;
  }
};

TrainingProgress some_progress() {
  TrainingProgress progress;
  progress.epoch = 3;
  progress.batch = 17;
  progress.step = 1234;
  progress.epoch_loss = 0.1 + 0.2;
  progress.epoch_words = 1e17;
  progress.best = {{2, 0.7000000000000001}, {1, std::numeric_limits<double>::denorm_min()}};
  progress.best_epoch = 2;
  return progress;
}

TEST(TrainingState, ComesBackBitForBit) {
  const TemporaryFolder folder;
  State saved(1), loaded(2);
  ASSERT_TRUE(
      save_training(folder / "c", "recipe\n\"x\"", some_progress(), saved.list, saved.optimiser).ok());
  const Result<TrainingProgress> progress =
      load_training(folder / "c", "recipe\n\"x\"", loaded.list, loaded.optimiser);
  ASSERT_TRUE(progress.ok()) << progress.status().message();
  EXPECT_EQ(progress.value(), some_progress());
  EXPECT_EQ(loaded.numbers(), saved.numbers());
  EXPECT_EQ(loaded.optimiser.steps(), 3);
}

TEST(TrainingState, AnotherRecipeIsRefusedByName) {
  const TemporaryFolder folder;
  State state(1);
  ASSERT_TRUE(save_training(folder / "c", "one", some_progress(), state.list, state.optimiser).ok());
  const Status status = load_training(folder / "c", "two", state.list, state.optimiser).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find(folder / "c"), std::string::npos);
}

/// A checkpoint with one entry of its metadata changed or left out.
Status load_with(const std::string& key, const std::optional<std::string>& value) {
  const TemporaryFolder folder;
  State state(1);
  EXPECT_TRUE(save_training(folder / "c", "r", some_progress(), state.list, state.optimiser).ok());
  std::map<std::string, std::string> metadata;
  std::vector<std::vector<float>> values;
  std::vector<TensorToWrite> tensors;
  {
    const Safetensors file = Safetensors::open(folder / "c").value();
    metadata = file.metadata();
    for (const auto& [name, tensor] : file.tensors()) {
      values.emplace_back(tensor.bytes.size() / sizeof(float));
      EXPECT_TRUE(file.read(name, tensor.shape, values.back()).ok());
      tensors.push_back({name, tensor.shape, values.back(), StoredType::kFloat32});
    }
  }
  metadata.erase(key);
  if (value) metadata[key] = *value;
  EXPECT_TRUE(write_safetensors(folder / "c", tensors, metadata).ok());
  return load_training(folder / "c", "r", state.list, state.optimiser).status();
}

TEST(TrainingState, DamagedProgressIsRefusedAndNamesTheEntry) {
  EXPECT_TRUE(load_with("other", "x").ok());
  for (const char* key : {"epoch", "batch", "step", "epoch_loss", "epoch_words", "best", "best_epoch",
                          "finished", "optimiser_steps", "recipe"}) {
    const Status status = load_with(key, std::nullopt);
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << key;
    EXPECT_NE(status.message().find(key), std::string::npos) << status.message();
  }
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"epoch", "-1"},     {"epoch", "three"}, {"batch", "17 "},           {"step", ""},
      {"epoch_loss", "x"}, {"best", "1"},      {"best", "1 nan"},          {"best", "1 0x1p0 2"},
      {"finished", "yes"}, {"step", "3"},      {"optimiser_steps", "1e9"}, {"best_epoch", "4"},
      {"best_epoch", "-2"}};
  for (const auto& [key, value] : wrong)
    EXPECT_EQ(load_with(key, value).code(), StatusCode::kCorrupt) << key << value;
}

TEST(TrainingState, AMissingOrMisshapenTensorIsNamed) {
  const TemporaryFolder folder;
  State state(1);
  ASSERT_TRUE(save_training(folder / "c", "r", some_progress(), state.list, state.optimiser).ok());
  Parameter<float> other{"other", 1, 2, Initial::zeros(), Parameter<float>::Decay::kNo};
  AdamW<float> optimiser({&other}, {});
  const Status status = load_training(folder / "c", "r", {&other}, optimiser).status();
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.message().find("other"), std::string::npos) << status.message();
  EXPECT_EQ(load_training(folder / "none", "r", state.list, state.optimiser).status().code(),
            StatusCode::kNotFound);
}

}  // namespace
}  // namespace attend
