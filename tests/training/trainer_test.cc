#include "training/trainer.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "nn/gemm.h"
#include "training/synthetic.h"

namespace attend {
namespace {

using Outcome = Trainer::Outcome;

/// Stops, or breaks off without saving, where it is told to.
struct Watcher : TrainingObserver {
  int64_t stop_at = -1;            // steps of this sitting
  int64_t break_after_epoch = -1;  // fails there
  int64_t steps = 0;
  std::vector<EpochReport> epochs;
  std::vector<double> losses;

  void stepped(const StepReport& report) override {
    ++steps;
    losses.push_back(report.loss);
  }
  Status validated(const EpochReport& report) override {
    epochs.push_back(report);
    if (report.epoch == break_after_epoch) return {StatusCode::kIo, "pulled the plug"};
    return {};
  }
  bool should_stop() override { return steps == stop_at; }
};

std::vector<float> all_parameters(CaptionModel<float>& model) {
  std::vector<float> all;
  for (Parameter<float>* p : model.parameters()) {
    all.insert(all.end(), p->value().values().begin(), p->value().values().end());
  }
  return all;
}

struct Sitting {
  Result<Outcome> outcome = Outcome::kStopped;
  std::vector<float> parameters;
};

/// A new process, as far as the trainer can tell.
Sitting sit(const ToyWorld& world, const std::string& run, Watcher& watcher,
            Executor& executor = serial_executor()) {
  CaptionModel<float> model(world.shape());
  CaptionLearner learner(model, world.task(), world.recipe.learning, executor);
  Trainer trainer(learner, world.recipe.learning, describe(world.recipe, world.set), run);
  Sitting sitting;
  sitting.outcome = trainer.run(watcher);
  sitting.parameters = all_parameters(model);
  return sitting;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Trainer, TheLossFallsAndTheCaptionsBecomeThoseOfThePhotos) {
  ToyWorld world;
  world.recipe.learning.epochs = 30;
  world.recipe.learning.log_steps = 1000;
  Watcher watcher;
  const Sitting sitting = sit(world, world.folder / "run", watcher);
  ASSERT_TRUE(sitting.outcome.ok()) << sitting.outcome.status().message();
  EXPECT_EQ(sitting.outcome.value(), Outcome::kFinished);
  EXPECT_LT(watcher.epochs[20].loss, 0.6 * watcher.epochs[0].loss);
  EXPECT_GT(watcher.epochs[25].score, 3) << "the captions name colour and thing";
  EXPECT_LT(watcher.epochs[0].score, watcher.epochs[25].score);
}

TEST(Trainer, ARunStoppedAndResumedEqualsAnUninterruptedOneBitForBit) {
  ToyWorld world;
  Watcher whole;
  const Sitting straight = sit(world, world.folder / "straight", whole);
  ASSERT_TRUE(straight.outcome.ok()) << straight.outcome.status().message();
  // 7 batches an epoch: inside the first, at the end of the second, inside the last.
  for (const std::vector<int64_t>& stops :
       {std::vector<int64_t>{1}, std::vector<int64_t>{5, 9}, std::vector<int64_t>{14, 13}}) {
    const std::string run = world.folder / ("run" + std::to_string(stops.front()));
    for (const int64_t stop : stops) {
      Watcher watcher;
      watcher.stop_at = stop;
      EXPECT_EQ(sit(world, run, watcher).outcome.value(), Outcome::kStopped);
    }
    Watcher watcher;
    const Sitting last = sit(world, run, watcher);
    ASSERT_TRUE(last.outcome.ok()) << last.outcome.status().message();
    EXPECT_EQ(last.parameters, straight.parameters);
    EXPECT_EQ(contents(run + "/final.safetensors"), contents(world.folder / "straight/final.safetensors"));
  }
}

TEST(Trainer, EveryKindOfAttentionLearnsAndResumesBitForBit) {
  for (const auto& [name, kind] : kMemoryAttentions) {
    if (kind == MemoryAttentionKind::kMultiHead) continue;
    SCOPED_TRACE(name);
    ToyWorld world;
    world.recipe.model.attention = kind;
    world.recipe.learning.epochs = 12;
    Watcher whole, first, second;
    const Sitting straight = sit(world, world.folder / "straight", whole);
    ASSERT_TRUE(straight.outcome.ok()) << straight.outcome.status().message();
    EXPECT_LT(whole.epochs[11].loss, 0.75 * whole.epochs[0].loss);
    first.stop_at = 30;
    EXPECT_EQ(sit(world, world.folder / "run", first).outcome.value(), Outcome::kStopped);
    EXPECT_EQ(sit(world, world.folder / "run", second).parameters, straight.parameters);
  }
}

TEST(Trainer, ARunKilledWithoutWarningGoesOnFromItsLastCheckpoint) {
  ToyWorld world;
  Watcher whole;
  const Sitting straight = sit(world, world.folder / "straight", whole);
  for (const int64_t epoch :
       {1, 3}) {  // killed while validating: the checkpoint is an epoch old, or there is none
    const std::string run = world.folder / ("run" + std::to_string(epoch));
    Watcher before, killed, resumed;
    before.break_after_epoch = epoch - 1;
    killed.break_after_epoch = epoch;
    if (epoch > 1) sit(world, run, before);
    const std::string old = contents(run + "/checkpoint.safetensors");
    EXPECT_EQ(sit(world, run, killed).outcome.status().message(), "pulled the plug");
    std::filesystem::remove(run + "/checkpoint.safetensors");
    if (epoch > 1) world.folder.file("run3/checkpoint.safetensors", old);
    const Sitting last = sit(world, run, resumed);
    EXPECT_EQ(last.parameters, straight.parameters);
    EXPECT_EQ(resumed.steps, 28 - 7 * (epoch - 1));
    std::istringstream log(contents(run + "/log.tsv"));
    const auto lines = std::count(std::istreambuf_iterator<char>(log), {}, '\n');
    EXPECT_EQ(lines, 1 + 4 * 2 + 4) << "no row twice: 2 of steps an epoch and 4 validations";
  }
}

TEST(Trainer, WhoHearsOfAnEpochAndFailsCostsNoStepOfIt) {
  ToyWorld world;
  Watcher whole;
  const Sitting straight = sit(world, world.folder / "straight", whole);
  Watcher failing, resumed;
  failing.break_after_epoch = 1;
  EXPECT_EQ(sit(world, world.folder / "run", failing).outcome.status().message(), "pulled the plug");
  EXPECT_EQ(sit(world, world.folder / "run", resumed).parameters, straight.parameters);
  EXPECT_EQ(failing.steps + resumed.steps, whole.steps);
}

TEST(Trainer, AFinishedRunIsNotTrainedAgain) {
  ToyWorld world;
  Watcher first, second;
  const Sitting one = sit(world, world.folder / "run", first);
  const Sitting two = sit(world, world.folder / "run", second);
  EXPECT_EQ(two.outcome.value(), Outcome::kFinished);
  EXPECT_EQ(second.steps, 0);
  EXPECT_EQ(one.parameters, two.parameters);
}

TEST(Trainer, TheSeedAndNothingElseMakesTheDifference) {
  ToyWorld world, other;
  other.recipe.learning.seed = 2;
  Watcher a, b, c;
  const Sitting one = sit(world, world.folder / "a", a), same = sit(world, world.folder / "b", b);
  EXPECT_EQ(one.parameters, same.parameters);
  EXPECT_NE(one.parameters, sit(other, other.folder / "c", c).parameters);
}

TEST(Trainer, TheNumberOfWorkersDoesNotChangeABit) {
  ToyWorld world;
  world.recipe.learning.epochs = 2;
  Watcher words;
  ASSERT_TRUE(sit(world, world.folder / "words", words).outcome.ok());
  const std::unique_ptr<Executor> executor = make_thread_executor(3);
  for (const bool rewards : {false, true}) {
    if (rewards) {
      world.recipe.learning.self_critical = SelfCriticalOptions{};
      world.recipe.learning.caption_share = 0.3;
      world.recipe.learning.start = {world.folder / "words/final.safetensors"};
    }
    Watcher one, many;
    ASSERT_TRUE(sit(world, world.folder / ("one" + std::to_string(rewards)), one).outcome.ok());
    ASSERT_TRUE(sit(world, world.folder / ("many" + std::to_string(rewards)), many, *executor).outcome.ok());
    EXPECT_EQ(one.losses, many.losses);
  }
}

TEST(Trainer, WhatComesOutIsNoWorseThanTheBestEpoch) {
  ToyWorld world;
  world.recipe.learning.epochs = 8;
  Watcher watcher;
  ASSERT_TRUE(sit(world, world.folder / "run", watcher).outcome.ok());
  ASSERT_TRUE(watcher.epochs.back().averaged);
  double best = 0;
  for (const EpochReport& report : watcher.epochs) {
    if (!report.averaged) best = std::max(best, report.score);
  }
  EXPECT_EQ(watcher.epochs.back().best, watcher.epochs.back().score > best);
  const std::filesystem::directory_iterator files(world.folder / "run/epochs");
  EXPECT_EQ(std::distance(begin(files), end(files)), 2) << "as many as are averaged";
}

TEST(Trainer, PatienceEndsARunThatNoLongerImproves) {
  ToyWorld world;
  world.recipe.learning.epochs = 50;
  world.recipe.learning.rate = world.recipe.learning.last_rate =
      0;  // nothing is learned: the first epoch stays the best
  world.recipe.learning.patience = 2;
  Watcher watcher;
  ASSERT_TRUE(sit(world, world.folder / "run", watcher).outcome.ok());
  EXPECT_EQ(watcher.steps, 3 * 7);
}

TEST(Trainer, AnotherRecipeIsRefused) {
  ToyWorld world;
  Watcher stopped, watcher;
  stopped.stop_at = 3;
  ASSERT_TRUE(sit(world, world.folder / "run", stopped).outcome.ok());
  world.recipe.learning.rate = 0.5;
  const Result<Outcome> outcome = sit(world, world.folder / "run", watcher).outcome;
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(outcome.status().message(),
            world.folder /
                "run/checkpoint.safetensors: the run was begun with other choices: learning_rate was "
                "0.01, now 0.5");
  EXPECT_NE(contents(world.folder / "run/recipe.json").find("\"learning_rate\": 0.01"), std::string::npos);
  EXPECT_EQ(watcher.steps, 0);
}

TEST(Trainer, ARunThatNeverTookAStepMayBeginAnew) {
  ToyWorld world;
  world.recipe.learning.start = {world.folder / "none.safetensors"};
  Watcher failed, watcher;
  EXPECT_EQ(sit(world, world.folder / "run", failed).outcome.status().code(), StatusCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(world.folder / "run/recipe.json"));
  world.folder.file("run/recipe.json", "of a run that was killed before its first checkpoint");
  world.recipe.learning.start.clear();
  ASSERT_TRUE(sit(world, world.folder / "run", watcher).outcome.ok());
  EXPECT_EQ(contents(world.folder / "run/recipe.json"), describe(world.recipe, world.set));
}

TEST(Trainer, ADamagedCheckpointIsAnErrorAndIsNotOverwritten) {
  ToyWorld world;
  Watcher stopped, watcher;
  stopped.stop_at = 3;
  ASSERT_TRUE(sit(world, world.folder / "run", stopped).outcome.ok());
  const std::string path = world.folder / "run/checkpoint.safetensors";
  const std::string half = contents(path).substr(0, contents(path).size() / 2);
  world.folder.file("run/checkpoint.safetensors", half);
  const Result<Outcome> outcome = sit(world, world.folder / "run", watcher).outcome;
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(outcome.status().code(), StatusCode::kCorrupt);
  EXPECT_NE(outcome.status().message().find(path), std::string::npos) << outcome.status().message();
  EXPECT_EQ(contents(path), half);
}

TEST(Trainer, ACheckpointOfAPlaceBeyondTheEndIsDamaged) {
  ToyWorld world;
  Watcher stopped;
  stopped.stop_at = 9;
  ASSERT_TRUE(sit(world, world.folder / "run", stopped).outcome.ok());
  const std::string path = world.folder / "run/checkpoint.safetensors", whole = contents(path);
  for (const auto& [was, now] : std::vector<std::pair<std::string, std::string>>{
           {R"("epoch":"1")", R"("epoch":"9")"}, {R"("batch":"2")", R"("batch":"8")"}}) {
    std::string changed = whole;
    ASSERT_NE(changed.find(was), std::string::npos);
    world.folder.file("run/checkpoint.safetensors", changed.replace(changed.find(was), was.size(), now));
    Watcher watcher;
    const Result<Outcome> outcome = sit(world, world.folder / "run", watcher).outcome;
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.status().code(), StatusCode::kCorrupt);
    EXPECT_NE(outcome.status().message().find("of 4 and batch"), std::string::npos);
    EXPECT_EQ(watcher.steps, 0);
  }
}

TEST(Trainer, WhatAKillLeftOfAFileIsRemovedWhenTheRunGoesOn) {
  ToyWorld world;
  Watcher stopped, resumed;
  stopped.stop_at = 9;
  ASSERT_TRUE(sit(world, world.folder / "run", stopped).outcome.ok());
  const std::vector<std::string> left = {"run/checkpoint.safetensors.~abcdefghijkl",
                                         "run/epochs/1.safetensors.~mnopqrstuvwx"};
  for (const std::string& name : left) world.folder.file(name, "half");
  world.folder.file("run/notes.txt", "mine");
  ASSERT_TRUE(sit(world, world.folder / "run", resumed).outcome.ok());
  for (const std::string& name : left) EXPECT_FALSE(std::filesystem::exists(world.folder / name)) << name;
  EXPECT_EQ(contents(world.folder / "run/notes.txt"), "mine");
}

/// Files of this process cannot grow past `bytes`, as if the disk were full.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST(Trainer, AFullDiskIsAnErrorAndLeavesThePreviousCheckpointWhole) {
  ToyWorld world;
  Watcher whole, stopped, full, resumed;
  const Sitting straight = sit(world, world.folder / "straight", whole);
  stopped.stop_at = 3;
  ASSERT_TRUE(sit(world, world.folder / "run", stopped).outcome.ok());
  const std::string path = world.folder / "run/checkpoint.safetensors", before = contents(path);
  world.recipe.learning.save_seconds = 0;
  {
    const SmallDisk disk(before.size() / 2);
    const Result<Outcome> outcome = sit(world, world.folder / "run", full).outcome;
    ASSERT_FALSE(outcome.ok());
    EXPECT_EQ(outcome.status().code(), StatusCode::kIo);
    EXPECT_NE(outcome.status().message().find("checkpoint.safetensors"), std::string::npos);
  }
  EXPECT_EQ(contents(path), before);
  EXPECT_EQ(sit(world, world.folder / "run", resumed).parameters, straight.parameters);
}

TEST(Trainer, ARateThatBlowsUpIsToldWithItsStep) {
  ToyWorld world;
  world.recipe.learning.rate = 1e30;
  world.recipe.learning.last_rate = 0;
  world.recipe.learning.warmup = 0;
  Watcher watcher;
  const Result<Outcome> outcome = sit(world, world.folder / "run", watcher).outcome;
  ASSERT_FALSE(outcome.ok());
  EXPECT_NE(outcome.status().message().find("step "), std::string::npos) << outcome.status().message();
}

void expect_rewards_to_rise(SelfCriticalOptions::Source source, double by) {
  ToyWorld world;
  world.recipe.learning.epochs = 8;
  Watcher words, rewards;
  ASSERT_TRUE(sit(world, world.folder / "words", words).outcome.ok());
  ToyWorld again;
  again.recipe.learning.epochs = 12;
  again.recipe.learning.rate = 3e-3;
  again.recipe.learning.log_steps = 1;
  again.recipe.learning.self_critical = SelfCriticalOptions{.source = source, .samples = 5, .max_length = 8};
  again.recipe.learning.start = {world.folder / "words/final.safetensors"};
  struct RewardWatcher : Watcher {
    std::vector<double> rewards;
    void stepped(const StepReport& report) override {
      Watcher::stepped(report);
      rewards.push_back(report.reward);
    }
  } watcher;
  ASSERT_TRUE(sit(again, again.folder / "rewards", watcher).outcome.ok());
  const auto mean_of = [&](size_t first, size_t count) {
    double sum = 0;
    for (size_t i = first; i < first + count; ++i) sum += watcher.rewards[i];
    return sum / static_cast<double>(count);
  };
  ASSERT_EQ(watcher.rewards.size(), 84u);
  EXPECT_GT(mean_of(70, 14), by * mean_of(0, 14));
  EXPECT_EQ(watcher.epochs.front().epoch, 0) << "what it started from is judged too";
}

TEST(Trainer, SelfCriticalTrainingRaisesTheRewardOfWhatItStartedFrom) {
  expect_rewards_to_rise(SelfCriticalOptions::Source::kChance, 1.2);
  expect_rewards_to_rise(SelfCriticalOptions::Source::kBeam, 1.1);
}

TEST(Trainer, CaptionsCanKeepAShareOfSelfCriticalTraining) {
  ToyWorld world;
  Watcher words;
  ASSERT_TRUE(sit(world, world.folder / "words", words).outcome.ok());
  world.recipe.learning.epochs = 1;
  world.recipe.learning.self_critical = SelfCriticalOptions{.source = {}, .samples = 3, .max_length = 8};
  world.recipe.learning.start = {world.folder / "words/final.safetensors"};
  Watcher none, some, again;
  ASSERT_TRUE(sit(world, world.folder / "without", none).outcome.ok());
  world.recipe.learning.caption_share = 0.5;
  ASSERT_TRUE(sit(world, world.folder / "with", some).outcome.ok());
  ASSERT_TRUE(sit(world, world.folder / "again", again).outcome.ok());
  EXPECT_NE(some.losses, none.losses);
  EXPECT_EQ(some.losses, again.losses);
}

TEST(Trainer, ProductsInBfloat16LearnNearlyTheSame) {
  if (!has_bfloat16_products()) GTEST_SKIP() << "this processor has none";
  ToyWorld world;
  world.recipe.model.width = 64;  // products large enough to be worth rounding
  world.recipe.model.hidden = 2048;
  world.recipe.learning.photos_per_batch = 26;
  world.recipe.learning.epochs = 10;
  Watcher exact, rounded;
  ASSERT_TRUE(sit(world, world.folder / "exact", exact).outcome.ok());
  world.recipe.learning.precision = Precision::kBFloat16;
  ASSERT_TRUE(sit(world, world.folder / "rounded", rounded).outcome.ok());
  EXPECT_NE(rounded.losses, exact.losses);
  for (size_t epoch = 0; epoch < 10; ++epoch) {
    EXPECT_NEAR(rounded.epochs[epoch].loss, exact.epochs[epoch].loss, 0.1 * exact.epochs[epoch].loss)
        << epoch;
  }
}

TEST(Trainer, SelfCriticalRunsResumeBitForBitToo) {
  ToyWorld world;
  Watcher words;
  ASSERT_TRUE(sit(world, world.folder / "words", words).outcome.ok());
  world.recipe.learning.epochs = 2;
  world.recipe.learning.self_critical = SelfCriticalOptions{.source = {}, .samples = 3, .max_length = 8};
  world.recipe.learning.start = {world.folder / "words/final.safetensors"};
  Watcher whole, stopped, resumed;
  stopped.stop_at = 9;
  const Sitting straight = sit(world, world.folder / "straight", whole);
  sit(world, world.folder / "run", stopped);
  EXPECT_EQ(sit(world, world.folder / "run", resumed).parameters, straight.parameters);
}

}  // namespace
}  // namespace attend
