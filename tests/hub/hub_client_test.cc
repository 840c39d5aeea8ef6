// The routes, and who is told the token.
#include "hub/hub_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "hub/pull_testing.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

class HubClientTest : public PullTest {
 protected:
  HubClientTest() { hub.add_model(); }
  HubClient client() { return HubClient::create(settings, {}).value(); }
};

TEST_F(HubClientTest, AListingHasCommitNamesAndHashes) {
  const Result<ModelListing> listing = client().list(model());
  ASSERT_TRUE(listing.ok()) << listing.status().message();
  EXPECT_EQ(listing.value().commit, hub.commit);
  ASSERT_EQ(listing.value().files.size(), 5u);
  for (const HubFile& file : listing.value().files) EXPECT_EQ(file.tag, hub.tag_of(file.name));
}

TEST_F(HubClientTest, LargeFilesAreLookedUpWithoutGoingToStorage) {
  const Result<HubFile> file = client().look_up(model(), hub.commit, {"model.safetensors", "", 0});
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file.value().tag, hub.tag_of("model.safetensors"));
  EXPECT_EQ(file.value().bytes, 100000u);
  for (const Seen& request : hub.seen()) EXPECT_EQ(request.where, Seen::Where::kHub);
}

TEST_F(HubClientTest, SmallFilesAreDescribedByTheirOwnHeaders) {
  const Result<HubFile> file = client().look_up(model(), hub.commit, {"config.json", "", 0});
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(file.value().tag, hub.tag_of("config.json"));
  EXPECT_EQ(file.value().bytes, hub.content_of("config.json").size());
}

TEST_F(HubClientTest, NothingIsCompressedOnItsWay) {
  expect_pulled();
  for (const Seen& request : hub.seen()) EXPECT_EQ(request.accept_encoding, "identity") << request.path;
}

TEST_F(HubClientTest, TheTokenGoesToTheHubAndToNobodyElse) {
  settings.token = "hf_secret";
  hub.trouble.token = "hf_secret";
  expect_pulled();
  int at_hub = 0, at_storage = 0;
  for (const Seen& request : hub.seen()) {
    const bool storage = request.where == Seen::Where::kStorage;
    ++(storage ? at_storage : at_hub);
    EXPECT_EQ(request.authorization, storage ? "" : "Bearer hf_secret") << request.path;
  }
  EXPECT_GT(at_hub, 0);
  EXPECT_EQ(at_storage, 1);
}

TEST_F(HubClientTest, WithoutATokenNobodyHearsOfOne) {
  expect_pulled();
  for (const Seen& request : hub.seen()) EXPECT_EQ(request.authorization, "");
}

TEST_F(HubClientTest, RelativeRedirectsStayAtTheHubAndKeepTheToken) {
  settings.token = hub.trouble.token = "hf_secret";
  hub.trouble.storage_at_home = true;
  expect_pulled();
  for (const Seen& request : hub.seen()) EXPECT_EQ(request.authorization, "Bearer hf_secret") << request.path;
}

TEST_F(HubClientTest, AFileIsDescribedWhereRedirectsWithinTheHubEnd) {
  hub.trouble.storage_at_home = true;
  hub.trouble.moved_to = "acme-labs/photo-captioner";
  for (const char* name : {"config.json", "model.safetensors"}) {
    const Result<HubFile> file = client().look_up(model(), hub.commit, {name, "", 0});
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ(file.value().tag, hub.tag_of(name));
    EXPECT_EQ(file.value().bytes, hub.content_of(name).size());
    EXPECT_EQ(hub.seen().back().method, "HEAD");
    EXPECT_EQ(hub.seen().back().path, std::string("/api/resolve-cache/") + name);
  }
}

TEST_F(HubClientTest, ARepositoryThatMovedIsFollowed) {
  hub.trouble.moved_to = "acme-labs/photo-captioner";
  expect_pulled();
}

TEST_F(HubClientTest, RedirectsWithoutEndAreGivenUp) {
  hub.trouble.loops = true;
  expect_error(StatusCode::kIo, {"more than 10 redirects"});
  const size_t before = hub.seen().size();
  const Result<HubFile> file = client().look_up(model(), hub.commit, {"config.json", "", 0});
  EXPECT_EQ(file.status().code(), StatusCode::kIo) << file.status().message();
  EXPECT_THAT(file.status().message(), HasSubstr("more than 10 redirects"));
  EXPECT_EQ(hub.seen().size() - before, 11u);
}

TEST_F(HubClientTest, ABusyHubIsAskedAgain) {
  hub.trouble.busy = 2;
  expect_pulled();
}

TEST_F(HubClientTest, AHubThatStaysBusyIsAnError) {
  hub.trouble.busy = 1000;
  expect_error(StatusCode::kIo, {"HTTP 503"});
}

TEST_F(HubClientTest, TheConvertersPullRequestIsFoundAndNobodyElses) {
  EXPECT_EQ(client().conversion(model()), std::nullopt);
  hub.trouble.conversion = 4;
  EXPECT_EQ(client().conversion(model()), 4);
}

}  // namespace
}  // namespace attend
