// What can go wrong for good: one sentence each, and nothing that could be taken for a model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>

#include "hub/pull.h"
#include "hub/pull_testing.h"

namespace attend {
namespace {

namespace fs = std::filesystem;

class PullTroubleTest : public PullTest {
 protected:
  PullTroubleTest() { hub.add_model(); }

  void expect_refused(int status, const std::string& error_code, StatusCode code,
                      const std::vector<std::string>& words) {
    hub.trouble.error_status = status;
    hub.trouble.error_code = error_code;
    expect_error(code, words);
    EXPECT_FALSE(fs::exists(repository_folder()));
  }
};

TEST_F(PullTroubleTest, AWrongHashLeavesNothing) {
  hub.trouble.spoils = true;
  expect_error(StatusCode::kCorrupt,
               {"acme/captioner: model.safetensors: has the checksum", hub.tag_of("model.safetensors")});
  EXPECT_FALSE(fs::exists(blob("model.safetensors")));
  EXPECT_FALSE(fs::exists(blob("model.safetensors") + ".incomplete"));
  EXPECT_FALSE(fs::exists(snapshot_file("model.safetensors")));
  EXPECT_FALSE(fs::exists(repository_folder() + "/refs/main"));
  EXPECT_NE(find_snapshot(settings.cache, model()).state, Snapshot::State::kWhole);
  hub.trouble.spoils = false;
  expect_pulled();
}

TEST_F(PullTroubleTest, MoreBytesThanTheFileHasAreAnError) {
  hub.trouble.never_ends = true;
  expect_error(StatusCode::kCorrupt, {"config.json", "longer"});
}

TEST_F(PullTroubleTest, FewerBytesThanTheFileHasAreAnError) {
  hub.trouble.ends_early = true;
  expect_error(StatusCode::kIo, {"config.json", "ended after"});
}

TEST_F(PullTroubleTest, AnotherRangeThanTheOneAskedForIsAnError) {
  fs::create_directories(repository_folder() + "/blobs");
  std::ofstream(blob("model.safetensors") + ".incomplete")
      << hub.content_of("model.safetensors").substr(0, 500);
  hub.trouble.wrong_ranges = true;
  expect_error(StatusCode::kCorrupt, {"acme/captioner: model.safetensors: ", "bytes 0-9/100000", "500"});
}

TEST_F(PullTroubleTest, AListingThatContradictsTheFilesIsAnError) {
  hub.trouble.contradicts = true;
  expect_error(StatusCode::kCorrupt, {"entity tag"});
}

TEST_F(PullTroubleTest, NoSuchModelOrRevision) {
  ModelName other = model();
  other.repository = "acme/nothing";
  other.asked = "acme/nothing";
  const Result<Snapshot> found = pull(other, settings, observer);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(found.status().message(), testing::HasSubstr("has no model acme/nothing"));
  expect_error(StatusCode::kNotFound, {"has no revision 'v2'"}, "v2");
}

TEST_F(PullTroubleTest, AGatedModelSaysWhereToAskAndWhatToSet) {
  expect_refused(401, "GatedRepo", StatusCode::kIo,
                 {"gated", hub.endpoint() + "/acme/captioner", "HF_TOKEN"});
}

TEST_F(PullTroubleTest, AGatedModelSaysWhoseTokenWasNotEnough) {
  settings.token = "hf_x";
  settings.token_source = "/home/anne/token";
  expect_refused(403, "GatedRepo", StatusCode::kIo, {"gated", "/home/anne/token"});
}

TEST_F(PullTroubleTest, ATokenThatIsNotAcceptedIsNamedByItsSourceNeverByItself) {
  settings.token = "hf_secret";
  settings.token_source = "HF_TOKEN";
  hub.trouble.error_message = "Invalid credentials in Authorization header";
  expect_refused(401, "", StatusCode::kIo, {"does not accept the token in HF_TOKEN"});
  EXPECT_EQ(pull_model().status().message().find("hf_secret"), std::string::npos);
}

TEST_F(PullTroubleTest, APrivateModelIsOneThatIsNotThere) {
  hub.trouble.token = "hf_other";
  expect_error(StatusCode::kNotFound, {"HF_TOKEN is not set"});
}

TEST_F(PullTroubleTest, OtherAnswersAreGivenWithTheServersOwnWords) {
  hub.trouble.error_message = "Access to this resource is disabled.";
  expect_refused(403, "", StatusCode::kIo, {"HTTP 403", "Access to this resource is disabled."});
}

TEST_F(PullTroubleTest, NobodyListens) {
  hub.stop();
  expect_error(StatusCode::kIo, {"cannot reach", hub.endpoint()});
}

TEST_F(PullTroubleTest, ThePasswordOfAMirrorIsInNoMessage) {
  settings.endpoint = "http://anne:secret@127.0.0.1:9";
  const std::string message = pull_model().status().message();
  EXPECT_THAT(message, ::testing::HasSubstr("cannot reach http://127.0.0.1:9: "));
  EXPECT_THAT(message, ::testing::Not(::testing::HasSubstr("secret")));
}

TEST_F(PullTroubleTest, ANameThatNoServerHas) {
  settings.endpoint = "http://hub.invalid";
  expect_error(StatusCode::kIo, {"cannot reach http://hub.invalid"});
}

TEST_F(PullTroubleTest, OtherWeightsThanSafetensors) {
  hub.remove("model.safetensors");
  expect_error(StatusCode::kUnsupported, {"model.safetensors", "pytorch_model.bin"});
  hub.trouble.conversion = 4;
  expect_error(StatusCode::kUnsupported, {"'attend pull acme/captioner@refs/pr/4'"});
}

TEST_F(PullTroubleTest, AFullDiskKeepsTheBeginning) {
  // No file may grow past 50,000 bytes: a write past that fails as on a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{50000, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const Result<Snapshot> found = pull_model();
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.status().code(), StatusCode::kIo);
  EXPECT_THAT(found.status().message(), testing::HasSubstr("cannot write past 50000 of 100000 bytes"));
  EXPECT_EQ(fs::file_size(blob("model.safetensors") + ".incomplete"), 50000u);
  EXPECT_FALSE(fs::exists(repository_folder() + "/refs/main"));
  expect_pulled();
}

TEST_F(PullTroubleTest, ACacheThatIsAFileIsAnError) {
  settings.cache = folder.file("a file", "x");
  expect_error(StatusCode::kIo, {folder / "a file"});
}

TEST_F(PullTroubleTest, AnAnswerThatIsNoListingIsAnError) {
  hub.commit = "not a commit";
  expect_error(StatusCode::kCorrupt, {"does not answer as a hub does"});
}

}  // namespace
}  // namespace attend
