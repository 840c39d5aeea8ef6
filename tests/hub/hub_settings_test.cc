#include "hub/hub_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "cli/temporary_folder.h"

namespace attend {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

using Variables = std::map<std::string, std::string>;

/// HOME is there unless it says otherwise.
Environment environment(Variables variables) {
  variables.emplace("HOME", "/home/anne");
  return [variables](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

std::string cache(const Variables& variables) {
  return hub_cache_folder(environment(variables));
}

TEST(HubSettings, TheCacheIsWherePythonKeepsIt) {
  EXPECT_EQ(cache({}), "/home/anne/.cache/huggingface/hub");
  EXPECT_EQ(cache({{"XDG_CACHE_HOME", "/x"}}), "/x/huggingface/hub");
  EXPECT_EQ(cache({{"XDG_CACHE_HOME", "/x"}, {"HF_HOME", "/h"}}), "/h/hub");
  EXPECT_EQ(cache({{"HF_HOME", "/h"}, {"HUGGINGFACE_HUB_CACHE", "/old"}}), "/old");
  EXPECT_EQ(cache({{"HUGGINGFACE_HUB_CACHE", "/old"}, {"HF_HUB_CACHE", "/c"}}), "/c");
}

TEST(HubSettings, AVariableThatIsEmptyCountsAsOneThatIsNotSet) {
  for (const char* name : {"XDG_CACHE_HOME", "HF_HOME", "HUGGINGFACE_HUB_CACHE", "HF_HUB_CACHE"})
    EXPECT_EQ(cache({{name, ""}}), "/home/anne/.cache/huggingface/hub") << name;
}

TEST(HubSettings, TildesAndVariablesInPathsAreExpanded) {
  EXPECT_EQ(cache({{"HF_HOME", "~/models"}}), "/home/anne/models/hub");
  EXPECT_EQ(cache({{"HF_HUB_CACHE", "$DISK/${NAME}s/\xc3\xa9"}, {"DISK", "/mnt"}, {"NAME", "model"}}),
            "/mnt/models/\xc3\xa9");
  EXPECT_EQ(cache({{"HF_HUB_CACHE", "/a~/$NOBODY/${/$"}}), "/a~/$NOBODY/${/$");
}

TEST(HubSettings, TheEndpointIsAWebAddressWithoutASlashAtItsEnd) {
  EXPECT_EQ(hub_settings(environment({})).value().endpoint, "https://huggingface.co");
  EXPECT_EQ(hub_settings(environment({{"HF_ENDPOINT", "http://mirror:8080/hub/"}})).value().endpoint,
            "http://mirror:8080/hub");
  EXPECT_EQ(hub_settings(environment({{"HF_ENDPOINT", ""}})).value().endpoint, "https://huggingface.co");
  for (const char* text : {"anne:secret@mirror", "mirror", "ftp://mirror", "file:///etc"}) {
    const Result<HubSettings> settings = hub_settings(environment({{"HF_ENDPOINT", text}}));
    ASSERT_FALSE(settings.ok()) << text;
    EXPECT_EQ(settings.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(settings.status().message(), HasSubstr("HF_ENDPOINT"));
    EXPECT_THAT(settings.status().message(), Not(HasSubstr("secret")));
  }
}

TEST(HubSettings, TheTokenComesFromAVariableOrElseFromItsFile) {
  TemporaryFolder folder;
  folder.file("token", "from-file\n");
  folder.file("other", "from-other");
  const Variables home = {{"HF_HOME", folder.path()}};
  const auto token = [&home](Variables more) {
    more.insert(home.begin(), home.end());
    return hub_settings(environment(more)).value().token;
  };
  EXPECT_EQ(token({}), "from-file");
  EXPECT_EQ(token({{"HF_TOKEN_PATH", folder / "other"}}), "from-other");
  EXPECT_EQ(token({{"HF_TOKEN_PATH", folder / "nowhere"}}), "");
  EXPECT_EQ(token({{"HF_TOKEN", " hf_1 \n"}}), "hf_1");
  EXPECT_EQ(token({{"HUGGING_FACE_HUB_TOKEN", "hf_0"}}), "hf_0");
  EXPECT_EQ(token({{"HF_TOKEN", "hf_1"}, {"HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"}}), "");
  EXPECT_EQ(hub_settings(environment({{"HF_TOKEN", "hf_1"}})).value().token_source, "HF_TOKEN");
}

TEST(HubSettings, ATokenCannotSmuggleALineIntoTheRequest) {
  const Result<HubSettings> settings = hub_settings(environment({{"HF_TOKEN", "hf_1\r\nHost: elsewhere"}}));
  ASSERT_FALSE(settings.ok());
  EXPECT_THAT(settings.status().message(), HasSubstr("HF_TOKEN"));
}

TEST(HubSettings, OfflineIsWhatPythonTakesForTrue) {
  for (const char* yes : {"1", "on", "YES", "True"})
    EXPECT_TRUE(hub_settings(environment({{"HF_HUB_OFFLINE", yes}})).value().offline) << yes;
  for (const char* no : {"", "0", "no", "2"})
    EXPECT_FALSE(hub_settings(environment({{"HF_HUB_OFFLINE", no}})).value().offline) << no;
  EXPECT_TRUE(hub_settings(environment({{"TRANSFORMERS_OFFLINE", "1"}})).value().offline);
}

TEST(HubSettings, ATimeoutIsANumberOfSeconds) {
  EXPECT_EQ(hub_settings(environment({})).value().timeout.count(), 10);
  EXPECT_EQ(hub_settings(environment({{"HF_HUB_DOWNLOAD_TIMEOUT", "45"}})).value().timeout.count(), 45);
  for (const char* text : {"0", "-1", "ten", "5s", "99999999999"})
    EXPECT_FALSE(hub_settings(environment({{"HF_HUB_DOWNLOAD_TIMEOUT", text}})).ok()) << text;
}

}  // namespace
}  // namespace attend
