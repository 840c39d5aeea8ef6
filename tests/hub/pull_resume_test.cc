// Connections that break, pulls that are stopped, and what is left for the next one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "hub/pull.h"
#include "hub/pull_testing.h"

namespace attend {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;

constexpr size_t kWeights = 200000;

class PullResumeTest : public PullTest {
 protected:
  PullResumeTest() { hub.add_model(kWeights); }

  /// The ranges that were asked for, of the weights, "-" for all of them.
  std::vector<std::string> ranges() const {
    std::vector<std::string> found;
    for (const Seen& request : hub.seen()) {
      if (request.where == Seen::Where::kStorage)
        found.push_back(request.range.empty() ? "-" : request.range);
    }
    return found;
  }
  /// What an earlier run left of the weights.
  void leave(const std::string& content) const {
    fs::create_directories(repository_folder() + "/blobs");
    std::ofstream(blob("model.safetensors") + ".incomplete", std::ios::binary) << content;
  }
  std::string weights() const { return hub.content_of("model.safetensors"); }
};

TEST_F(PullResumeTest, AConnectionThatIsCutGoesOnWhereItWas) {
  hub.trouble.cut_after = 50000;
  hub.trouble.cuts = 4;  // of which the two small files, shorter than that, use up two
  expect_pulled();
  EXPECT_THAT(ranges(), ElementsAre("-", "bytes=50000-", "bytes=100000-"));
}

TEST_F(PullResumeTest, TheRestIsOfTheSameFile) {
  hub.trouble.cut_after = 50000;
  hub.trouble.cuts = 3;
  expect_pulled();
  const std::vector<Seen> requests = hub.seen();
  const auto resumed = std::find_if(requests.begin(), requests.end(),
                                    [](const Seen& request) { return !request.range.empty(); });
  ASSERT_NE(resumed, requests.end());
  EXPECT_EQ(resumed->if_range.find("\"storage-"), 0u);
}

TEST_F(PullResumeTest, AServerThatIsOutOfOrderIsAskedAgain) {
  hub.trouble.refusals = 3;
  expect_pulled();
}

TEST_F(PullResumeTest, AConnectionThatBringsNothingIsGivenUp) {
  hub.trouble.refusals = 1000;
  expect_error(StatusCode::kIo, {"HTTP 503"});
}

TEST_F(PullResumeTest, WhatAnEarlierRunLeftIsTheBeginning) {
  leave(weights().substr(0, 123456));
  expect_pulled();
  EXPECT_THAT(ranges(), ElementsAre("bytes=123456-"));
  EXPECT_EQ(observer.first, 123456u);
}

TEST_F(PullResumeTest, AFileThatOnlyLacksItsNameIsCheckedAndNamed) {
  leave(weights());
  expect_pulled();
  EXPECT_THAT(ranges(), ElementsAre());
}

TEST_F(PullResumeTest, AServerThatKnowsNoRangesSendsAllOfIt) {
  leave(weights().substr(0, 1000));
  hub.trouble.ignores_ranges = true;
  expect_pulled();
}

TEST_F(PullResumeTest, ABeginningThatIsSpoiltIsBroughtOnceMore) {
  leave(std::string(1000, 'x'));
  expect_pulled();
  EXPECT_THAT(ranges(), ElementsAre("bytes=1000-", "-"));
}

TEST_F(PullResumeTest, ABeginningThatIsTooLongIsBroughtAnew) {
  leave(weights() + "more");
  expect_pulled();
  EXPECT_THAT(ranges(), ElementsAre("-"));
}

TEST_F(PullResumeTest, ABlobOfTheWrongSizeIsReplaced) {
  fs::create_directories(repository_folder() + "/blobs");
  std::ofstream(blob("model.safetensors")) << "short";
  expect_pulled();
}

TEST_F(PullResumeTest, AStoppedPullKeepsWhatItHasAndTheNextGoesOn) {
  hub.trouble.pause_ms = 2;
  observer.stop = [this] { return observer.here > 60000; };
  expect_error(StatusCode::kIo, {"stopped"});
  const uint64_t kept = fs::file_size(blob("model.safetensors") + ".incomplete");
  EXPECT_GT(kept, 50000u);
  EXPECT_LT(kept, kWeights);
  EXPECT_FALSE(fs::exists(repository_folder() + "/refs/main"));
  EXPECT_EQ(find_snapshot(settings.cache, model()).state, Snapshot::State::kPartial);

  observer.stop = nullptr;
  hub.trouble.pause_ms = 0;
  expect_pulled();
  EXPECT_EQ(ranges().back(), "bytes=" + std::to_string(kept) + "-");
}

TEST_F(PullResumeTest, TheOldCommitStaysInUseUntilTheNewOneIsWhole) {
  expect_pulled();
  const std::string old_commit = hub.commit;
  hub.commit = std::string(40, 'd');
  hub.add("model.safetensors", noise(kWeights, 9), FakeHub::Kind::kLarge);
  observer.stop = [this] { return observer.here > 60000; };
  hub.trouble.pause_ms = 2;
  expect_error(StatusCode::kIo, {"stopped"});
  EXPECT_EQ(find_snapshot(settings.cache, model()).commit, old_commit);
  EXPECT_EQ(find_snapshot(settings.cache, model()).state, Snapshot::State::kWhole);
}

}  // namespace
}  // namespace attend
