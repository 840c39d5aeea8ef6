// What the cache holds, laid out as Python's huggingface_hub lays it out.
#include "hub/snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "cli/temporary_folder.h"
#include "hub/cached_models.h"

namespace attend {
namespace {

using State = Snapshot::State;

constexpr const char* kCommit = "82a37760796d32b1411fe092ab5d4e227313294b";

class SnapshotTest : public testing::Test {
 protected:
  /// As Python does it: a blob, a link to it, and what main is.
  void cache_file(const std::string& repository, const std::string& name, const std::string& content,
                  const std::string& commit = kCommit) {
    const std::string base = "models--" + repository;
    folder.folder(base + "/blobs");
    folder.folder(base + "/snapshots/" + commit);
    folder.folder(base + "/refs");
    const std::string tag = "tag-of-" + name;
    folder.file(base + "/blobs/" + tag, content);
    std::filesystem::create_symlink("../../blobs/" + tag,
                                    folder / (base + "/snapshots/" + commit + "/" + name));
    folder.file(base + "/refs/main", commit);
  }
  void cache_model(const std::string& repository, const std::string& type = "blip") {
    cache_file(repository, "config.json",
               R"({"vision_config": {"model_type": "no"}, "model_type": ")" + type + "\"}");
    cache_file(repository, "vocab.txt", "a\n");
    cache_file(repository, "model.safetensors", "weights");
  }
  Snapshot find(const std::string& revision = "main") const {
    return find_snapshot(folder.path(), {"acme/captioner", "acme/captioner", revision});
  }

  TemporaryFolder folder;
};

TEST_F(SnapshotTest, AnEmptyOrMissingCacheHasNothing) {
  EXPECT_EQ(find().state, State::kAbsent);
  EXPECT_EQ(find_snapshot(folder / "nowhere", {"a/b", "a/b", "main"}).state, State::kAbsent);
}

TEST_F(SnapshotTest, WhatPythonBroughtIsWhole) {
  cache_model("acme--captioner");
  const Snapshot found = find();
  EXPECT_EQ(found.state, State::kWhole);
  EXPECT_EQ(found.commit, kCommit);
  EXPECT_EQ(found.folder, folder / ("models--acme--captioner/snapshots/" + std::string(kCommit)));
  EXPECT_EQ(find(kCommit).state, State::kWhole);
}

TEST_F(SnapshotTest, AMissingFileIsNamed) {
  cache_model("acme--captioner");
  const std::string blobs = folder / "models--acme--captioner/blobs";
  std::filesystem::remove(blobs + "/tag-of-model.safetensors");  // a link that leads nowhere
  EXPECT_EQ(find().state, State::kPartial);
  EXPECT_EQ(find().missing, "model.safetensors");
  std::filesystem::remove(blobs + "/tag-of-vocab.txt");
  EXPECT_EQ(find().missing, "tokenizer.json");
  std::filesystem::remove(blobs + "/tag-of-config.json");
  EXPECT_EQ(find().missing, "config.json");
}

TEST_F(SnapshotTest, ShardsAreThoseThatTheIndexNames) {
  cache_file("acme--captioner", "config.json", "{}");
  cache_file("acme--captioner", "tokenizer.json", "{}");
  cache_file("acme--captioner", "model.safetensors.index.json",
             R"({"metadata": {"total_size": 9}, "weight_map": {"a": "model-1-of-2.safetensors",)"
             R"( "b": "model-2-of-2.safetensors", "c": "model-1-of-2.safetensors"}})");
  cache_file("acme--captioner", "model-1-of-2.safetensors", "1");
  EXPECT_EQ(find().missing, "model-2-of-2.safetensors");
  cache_file("acme--captioner", "model-2-of-2.safetensors", "2");
  EXPECT_EQ(find().state, State::kWhole);
}

TEST_F(SnapshotTest, ADamagedIndexIsNoModel) {
  cache_file("acme--captioner", "config.json", "{}");
  cache_file("acme--captioner", "tokenizer.json", "{}");
  cache_file("acme--captioner", "model.safetensors.index.json", std::string(100000, '['));
  EXPECT_EQ(find().state, State::kPartial);
}

TEST_F(SnapshotTest, ThePartsOfAStoppedPullAreCounted) {
  folder.folder("models--acme--captioner/blobs");
  EXPECT_EQ(find().state, State::kAbsent);
  folder.file("models--acme--captioner/blobs/abc.incomplete", "12345");
  EXPECT_EQ(find().state, State::kPartial);
  EXPECT_EQ(find().bytes, 5u);
}

TEST_F(SnapshotTest, AReferenceThatIsNoCommitLeadsNowhere) {
  cache_model("acme--captioner");
  folder.file("models--acme--captioner/refs/main", "../../../etc");
  EXPECT_NE(find().state, State::kWhole);
}

TEST_F(SnapshotTest, KnownModelsComeFirstAndOtherCaptionersFollow) {
  cache_model("Salesforce--blip-image-captioning-base");
  cache_model("zoo--a-git", "git");
  cache_model("acme--captioner", "vision-encoder-decoder");
  cache_model("acme--language", "gpt2");
  folder.folder("models--no-owner");
  folder.folder("datasets--acme--photos");
  std::vector<std::string> names;
  for (const CachedModel& model : cached_models(folder.path())) names.push_back(model.name.asked);
  EXPECT_THAT(names, testing::ElementsAre("blip-base", "blip-large", "vit-gpt2", "git-base", "git-large",
                                          "acme/captioner", "zoo/a-git"));
  EXPECT_EQ(cached_models(folder.path()).front().snapshot.state, State::kWhole);
}

TEST_F(SnapshotTest, OtherRevisionsHaveLinesOfTheirOwn) {
  cache_model("nlpconnect--vit-gpt2-image-captioning");
  const std::string refs = "models--nlpconnect--vit-gpt2-image-captioning/refs";
  std::filesystem::remove(folder / (refs + "/main"));
  folder.folder(refs + "/refs/pr");
  folder.file(refs + "/refs/pr/4", kCommit);
  const std::vector<CachedModel> models = cached_models(folder.path());
  ASSERT_EQ(models[2].name.asked, "vit-gpt2");
  EXPECT_EQ(models[2].snapshot.state, State::kAbsent);
  ASSERT_EQ(models[3].name.asked, "vit-gpt2@refs/pr/4");
  EXPECT_EQ(models[3].snapshot.state, State::kWhole);
}

TEST_F(SnapshotTest, ACommitThatWasBroughtByItsNumberIsListedAndIsNoPartOfMain) {
  cache_model("acme--captioner");
  cache_model("Salesforce--blip-image-captioning-base");
  std::filesystem::remove(folder / "models--acme--captioner/refs/main");
  std::filesystem::remove(folder / "models--Salesforce--blip-image-captioning-base/refs/main");
  EXPECT_EQ(find().state, State::kAbsent);
  const std::vector<CachedModel> models = cached_models(folder.path());
  EXPECT_EQ(models[0].snapshot.state, State::kAbsent);
  EXPECT_EQ(models[1].name.asked, "blip-base@" + std::string(kCommit));
  EXPECT_EQ(models[1].snapshot.state, State::kWhole);
  EXPECT_EQ(models.back().name.asked, "acme/captioner@" + std::string(kCommit));
  EXPECT_EQ(models.back().snapshot.state, State::kWhole);
}

TEST_F(SnapshotTest, AModelOfWhichAPullWasStoppedIsListed) {
  cache_file("acme--captioner", "config.json", R"({"model_type": "blip"})");
  cache_file("acme--language", "config.json", R"({"model_type": "gpt2"})");
  for (const char* name : {"acme--captioner", "acme--language"})
    std::filesystem::remove(folder / ("models--" + std::string(name) + "/refs/main"));
  const std::vector<CachedModel> models = cached_models(folder.path());
  EXPECT_EQ(models.back().name.asked, "acme/captioner");
  EXPECT_EQ(models.back().snapshot.state, State::kPartial);
}

}  // namespace
}  // namespace attend
