#include "hub/find_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "cli/temporary_folder.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

constexpr const char* kCommit = "82a37760796d32b1411fe092ab5d4e227313294b";

/// blip-base in the cache; without weights unless they are asked for.
std::string cached_blip(const TemporaryFolder& cache, bool weights) {
  const std::string base = "models--Salesforce--blip-image-captioning-base";
  const std::string snapshot = base + "/snapshots/" + kCommit;
  cache.folder(base + "/refs");
  cache.folder(snapshot);
  cache.file(base + "/refs/main", kCommit);
  cache.file(snapshot + "/config.json", "{}");
  cache.file(snapshot + "/vocab.txt", "a");
  if (weights) cache.file(snapshot + "/model.safetensors", "w");
  return cache / snapshot;
}

std::string message(const std::string& name, const TemporaryFolder& cache) {
  const Result<std::string> found = find_model(name, cache.path());
  EXPECT_FALSE(found.ok()) << name;
  return found.status().message();
}

TEST(FindModel, AFileOrAFolderIsItself) {
  TemporaryFolder cache, models;
  const std::string file = models.file("a.safetensors");
  EXPECT_EQ(find_model(file, cache.path()).value(), file);
  EXPECT_EQ(find_model(models.path(), cache.path()).value(), models.path());
}

TEST(FindModel, ANameGivesTheFolderThatAPullBrought) {
  TemporaryFolder cache;
  const std::string folder = cached_blip(cache, true);
  EXPECT_EQ(find_model("blip-base", cache.path()).value(), folder);
  EXPECT_EQ(find_model("Salesforce/blip-image-captioning-base", cache.path()).value(), folder);
  EXPECT_EQ(find_model("blip-base@" + std::string(kCommit), cache.path()).value(), folder);
}

TEST(FindModel, AModelThatIsNotHereIsNamedWithTheCommandThatBringsIt) {
  TemporaryFolder cache;
  EXPECT_THAT(message("git-base", cache), HasSubstr("'attend pull git-base'"));
  EXPECT_THAT(message("acme/captioner", cache), HasSubstr("'attend pull acme/captioner'"));
  cached_blip(cache, false);
  EXPECT_THAT(message("blip-base", cache), AllOf(HasSubstr("only part"), HasSubstr("model.safetensors"),
                                                 HasSubstr("'attend pull blip-base'")));
}

TEST(FindModel, WhereAnotherRevisionIsHereItIsNamed) {
  TemporaryFolder cache;
  cached_blip(cache, true);
  std::filesystem::remove(cache / "models--Salesforce--blip-image-captioning-base/refs/main");
  EXPECT_EQ(message("blip-base", cache),
            "blip-base: is not on this machine: 'attend pull blip-base' brings it; blip-base@" +
                std::string(kCommit) + " is here");
}

TEST(FindModel, ANameNearlyTypedIsAnsweredWithTheRightOne) {
  TemporaryFolder cache;
  EXPECT_THAT(message("blip-bass", cache), HasSubstr("blip-base"));
}

TEST(FindModel, APathThatIsNotThereIsLeftToWhoeverOpensIt) {
  TemporaryFolder cache;
  for (const char* path : {"gone.safetensors", "models/gone.safetensors", "/no/such/model", "../gone"})
    EXPECT_EQ(find_model(path, cache.path()).value(), path);
}

}  // namespace
}  // namespace attend
