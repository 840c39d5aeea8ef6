#include "hub/url.h"

#include <gtest/gtest.h>

namespace attend {
namespace {

TEST(Url, RelativeRedirectsStartFromThePage) {
  EXPECT_EQ(follow("https://hub/a/b?c=d", "/e/f"), "https://hub/e/f");
  EXPECT_EQ(follow("https://hub/a/b", "c?x=1"), "https://hub/a/c?x=1");
  EXPECT_EQ(follow("https://hub/a", "https://storage/b?s=%2F"), "https://storage/b?s=%2F");
  EXPECT_EQ(follow("https://hub/a", "//storage/b"), "https://storage/b");
}

TEST(Url, NoRedirectLeadsFromHttpsToHttpOrToAnythingElse) {
  EXPECT_EQ(follow("https://hub/a", "http://hub/a"), std::nullopt);
  EXPECT_EQ(follow("https://hub/a", "file:///etc/passwd"), std::nullopt);
  EXPECT_EQ(follow("http://hub/a", "ftp://hub/a"), std::nullopt);
  EXPECT_EQ(follow("http://hub/a", "https://hub/a"), "https://hub/a");
}

TEST(Url, AnOriginIsSchemeHostAndPort) {
  EXPECT_TRUE(same_origin("https://hub/a", "https://HUB:443/b?c"));
  EXPECT_TRUE(same_origin("http://hub:80", "http://hub/"));
  EXPECT_FALSE(same_origin("https://hub/a", "http://hub/a"));
  EXPECT_FALSE(same_origin("https://hub/a", "https://hub:8443/a"));
  EXPECT_FALSE(same_origin("https://hub/a", "https://hub.evil/a"));
  EXPECT_FALSE(same_origin("https://hub/a", "https://hub@evil/a"));
  EXPECT_FALSE(same_origin("https://hub/a", "nonsense:"));
}

TEST(Url, CredentialsAreCutOut) {
  EXPECT_EQ(without_credentials("https://anne:se@cret@hub:80/a@b"), "https://hub:80/a@b");
  EXPECT_EQ(without_credentials("anne:secret@hub"), "hub");
  EXPECT_EQ(without_credentials("https://hub/a@b?c@d"), "https://hub/a@b?c@d");
}

TEST(Url, ASegmentHoldsNoSlash) {
  EXPECT_EQ(url_segment("refs/pr/4"), "refs%2Fpr%2F4");
  EXPECT_EQ(url_segment("a b?c#d%\xc3\xa9"), "a%20b%3Fc%23d%25%C3%A9");
  EXPECT_EQ(url_segment("model-00001-of-00002.safetensors"), "model-00001-of-00002.safetensors");
}

}  // namespace
}  // namespace attend
