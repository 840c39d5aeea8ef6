// The model inside the program, on the photographs of examples/.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "end_to_end/program.h"

namespace attend {
namespace {

using Json = nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ShippedModel : public testing::Test {
 protected:
  void SetUp() override {
    model_ = Json::parse(run_attend({"info", "--format", "jsonl"}).out, nullptr, false)["model"];
    if (model_.is_null()) GTEST_SKIP() << "this build has no model inside";
  }
  Json model_;
};

std::string photo(const std::string& name) {
  return ATTEND_EXAMPLES_DIR "/photos/" + name;
}

TEST_F(ShippedModel, SaysWhatIsInThePhoto) {
  EXPECT_THAT(run_attend({"caption", photo("cat.jpg")}).out, HasSubstr("cat"));
  EXPECT_THAT(run_attend({"caption", photo("giraffe.jpg")}).out, HasSubstr("giraffe"));
  EXPECT_THAT(run_attend({"caption", photo("astronaut.jpg")}).out,
              ContainsRegex("man|woman|boy|girl|person"));
}

TEST_F(ShippedModel, RepeatsNoThreeWordsAndLooksSomewhereForEach) {
  const Outcome outcome =
      run_attend({"caption", "--format", "jsonl", "--attention", ATTEND_EXAMPLES_DIR "/photos"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_THAT(lines, SizeIs(6));
  const size_t grid = model_["patches a side"].get<size_t>();
  for (const std::string& line : lines) {
    SCOPED_TRACE(line.substr(0, 200));
    const Json words = Json::parse(line)["words"];
    ASSERT_GE(words.size(), 3u);
    std::set<std::vector<std::string>> seen;
    for (size_t i = 0; i + 3 <= words.size(); ++i) {
      const std::vector<std::string> three = {words[i]["word"], words[i + 1]["word"], words[i + 2]["word"]};
      EXPECT_TRUE(seen.insert(three).second);
    }
    for (const Json& word : words) EXPECT_EQ(word["attention"].size(), grid);
  }
}

TEST_F(ShippedModel, TellsWhereItComesFrom) {
  EXPECT_EQ(model_["file"], "built-in model");
  for (const char* fact : {"licence", "training data", "encoder name", "encoder licence"}) {
    EXPECT_TRUE(model_.contains(fact)) << fact;
  }
}

}  // namespace
}  // namespace attend
