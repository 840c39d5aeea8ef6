#include "hub/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "hub/find_model.h"
#include "hub/pull_testing.h"

namespace attend {
namespace {

namespace fs = std::filesystem;

TEST_F(PullTest, TheCacheIsLaidOutAsPythonLaysItOut) {
  hub.add_model();
  expect_pulled();
  EXPECT_EQ(fs::read_symlink(snapshot_file("model.safetensors")).string(),
            "../../blobs/" + hub.tag_of("model.safetensors"));
  EXPECT_EQ(fs::read_symlink(snapshot_file("config.json")).string(),
            "../../blobs/" + hub.tag_of("config.json"));
  EXPECT_TRUE(
      fs::exists(settings.cache + "/.locks/models--acme--captioner/" + hub.tag_of("config.json") + ".lock"));
  EXPECT_EQ(find_model("acme/captioner", settings.cache).value(),
            repository_folder() + "/snapshots/" + hub.commit);
}

TEST_F(PullTest, OnlyWhatACaptionerReadsIsBrought) {
  hub.add_model();
  expect_pulled();
  EXPECT_FALSE(fs::exists(snapshot_file("pytorch_model.bin")));
  EXPECT_FALSE(fs::exists(snapshot_file("README.md")));
}

TEST_F(PullTest, TokensAddedToAVocabularyAreBroughtWhereThereAreAny) {
  hub.add_model();
  expect_pulled();
  EXPECT_FALSE(fs::exists(snapshot_file("added_tokens.json")));
  hub.add("added_tokens.json", R"({"[DEC]": 30522})");
  expect_pulled();
  EXPECT_EQ(content_of(snapshot_file("added_tokens.json")), R"({"[DEC]": 30522})");
}

TEST_F(PullTest, WhatIsHereIsNotBroughtAgain) {
  hub.add_model();
  expect_pulled();
  expect_pulled();
  EXPECT_EQ(hub.downloads_of("model.safetensors"), 1);
  EXPECT_EQ(hub.downloads_of("config.json"), 1);
  EXPECT_EQ(observer.first, observer.total);
}

TEST_F(PullTest, ANewCommitBringsWhatChangedAndKeepsTheRest) {
  hub.add_model();
  expect_pulled();
  const std::string old_file = snapshot_file("config.json");
  hub.commit = std::string(40, 'c');
  hub.add("config.json", R"({"model_type": "git"})");
  expect_pulled();
  EXPECT_EQ(hub.downloads_of("config.json"), 2);
  EXPECT_EQ(hub.downloads_of("model.safetensors"), 1);
  EXPECT_EQ(content_of(old_file), R"({"model_type": "blip"})");
}

TEST_F(PullTest, AMirrorThatListsNamesAloneWillDo) {
  hub.add_model();
  hub.trouble.names_only = true;
  expect_pulled();
}

TEST_F(PullTest, ShardsAndTheirIndexAreBrought) {
  hub.add_model();
  hub.remove("model.safetensors");
  hub.add(
      "model.safetensors.index.json",
      R"({"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}})");
  hub.add("model-00001-of-00002.safetensors", noise(5000, 1), FakeHub::Kind::kLarge);
  hub.add("model-00002-of-00002.safetensors", noise(6000, 2), FakeHub::Kind::kLarge);
  const Result<Snapshot> found = pull_model();
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(content_of(snapshot_file("model-00002-of-00002.safetensors")), noise(6000, 2));
}

TEST_F(PullTest, AShardThatTheIndexNamesAndTheHubLacksIsAnError) {
  hub.add_model();
  hub.remove("model.safetensors");
  hub.add("model.safetensors.index.json", R"({"weight_map": {"a": "model-00001-of-00001.safetensors"}})");
  expect_error(StatusCode::kUnsupported, {"model-00001-of-00001.safetensors"});
}

TEST_F(PullTest, RevisionsAreKeptBesideMain) {
  hub.add_model();
  const Result<Snapshot> found = pull_model("refs/pr/4");
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(content_of(repository_folder() + "/refs/refs/pr/4"), hub.commit);
  EXPECT_FALSE(fs::exists(repository_folder() + "/refs/main"));
  EXPECT_TRUE(find_model("acme/captioner@refs/pr/4", settings.cache).ok());
  EXPECT_FALSE(find_model("acme/captioner", settings.cache).ok());
}

TEST_F(PullTest, ACommitNeedsNoReference) {
  hub.add_model();
  ASSERT_TRUE(pull_model(hub.commit).ok());
  EXPECT_FALSE(fs::exists(repository_folder() + "/refs"));
}

TEST_F(PullTest, AnEmptyFileIsAFile) {
  hub.add_model();
  hub.add("merges.txt", "");
  expect_pulled();
  EXPECT_TRUE(fs::exists(snapshot_file("merges.txt")));
}

TEST_F(PullTest, ACacheMayHaveAnyName) {
  hub.add_model();
  settings.cache = folder /
                   "M\xc3\xb6"
                   "delle \xf0\x9f\x93\xb7 #1%";
  expect_pulled();
}

TEST_F(PullTest, TheObserverCountsEveryByteOnce) {
  hub.add_model(300000);
  expect_pulled();
  EXPECT_EQ(observer.first, 0u);
  EXPECT_EQ(observer.here, observer.total);
  EXPECT_EQ(observer.most, observer.total);
  EXPECT_EQ(observer.total,
            300000 + hub.content_of("config.json").size() + hub.content_of("tokenizer.json").size());
}

TEST_F(PullTest, SeveralAtOnceBringEachFileOnce) {
  hub.add_model(400000);
  hub.trouble.pause_ms = 5;
  std::vector<std::thread> pulls;
  std::vector<Status> statuses(4);
  std::vector<RecordingObserver> observers(4);
  for (size_t i = 0; i < statuses.size(); ++i)
    pulls.emplace_back([&, i] { statuses[i] = pull(model(), settings, observers[i]).status(); });
  for (std::thread& thread : pulls) thread.join();
  for (const Status& status : statuses) EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(hub.downloads_of("model.safetensors"), 1);
  expect_pulled();
}

TEST_F(PullTest, OfflineNothingIsAskedAndWhatIsHereWillDo) {
  hub.add_model();
  expect_pulled();
  const size_t asked = hub.seen().size();
  settings.offline = true;
  const Result<Snapshot> found = pull_model();
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_EQ(found.value().commit, hub.commit);
  EXPECT_EQ(hub.seen().size(), asked);
}

TEST_F(PullTest, OfflineWithoutTheModelIsAnError) {
  hub.add_model();
  settings.offline = true;
  expect_error(StatusCode::kNotFound, {"HF_HUB_OFFLINE", "acme/captioner", settings.cache});
  EXPECT_TRUE(hub.seen().empty());
}

TEST_F(PullTest, AHubThatIsAwayIsNoErrorWhenTheModelIsHere) {
  hub.add_model();
  expect_pulled();
  hub.stop();
  ASSERT_TRUE(pull_model().ok());
  ASSERT_EQ(observer.sentences.size(), 1u);
  EXPECT_THAT(observer.sentences.front(), testing::HasSubstr("cannot reach"));
}

}  // namespace
}  // namespace attend
