// attend info: what the program says about itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "end_to_end/program.h"
#include "end_to_end/tiny_model.h"

namespace attend {
namespace {

using Json = nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Info, JsonNamesVersionMachineAndModel) {
  const Outcome outcome = run_attend({"info", "--format", "jsonl", "--model", tiny_model()});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  ASSERT_THAT(lines_of(outcome.out), SizeIs(1));
  const Json info = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(info.is_object()) << outcome.out;
  EXPECT_EQ(info["version"], ATTEND_VERSION);
  EXPECT_EQ(info["instruction sets"].back(), "scalar");
  EXPECT_EQ(info["instruction sets"].front(), info["instruction set in use"]);
  EXPECT_GE(info["threads"].get<int>(), 1);
  const Json& model = info["model"];
  EXPECT_EQ(model["file"], tiny_model());
  EXPECT_EQ(model["patches a side"], kTinyGrid);
  EXPECT_EQ(model["encoder name"], "tiny");
  EXPECT_EQ(model["licence"], "Apache-2.0");
  EXPECT_EQ(model["training data"], "none: random numbers");
  EXPECT_GT(model["parameters"].get<int>(), 1000);
  EXPECT_GT(model["words"].get<int>(), 10);
}

TEST(Info, TextIsALineAFact) {
  const Outcome outcome = run_attend({"info", "--model", tiny_model()});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_THAT(lines_of(outcome.out), Contains(HasSubstr(ATTEND_VERSION)));
  EXPECT_THAT(outcome.out, HasSubstr("licence"));
}

TEST(Info, WithoutAnyOptionTheProgramKnowsWhetherAModelIsBuiltIn) {
  const Outcome outcome = run_attend({"info", "--format", "jsonl"});
  EXPECT_EQ(outcome.exit_code, 0);
  const Json info = Json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(info.is_object()) << outcome.out;
  ASSERT_TRUE(info.contains("model"));
  if (!info["model"].is_null()) {
    EXPECT_EQ(info["model"]["file"], "built-in model");
    EXPECT_TRUE(info["model"].contains("licence"));
  }
  if (info.contains("translation model")) {
    EXPECT_EQ(info["translation model"]["file"], "built-in model");
    EXPECT_EQ(info["translation model"]["languages"].size(), 2u);
  }
}

}  // namespace
}  // namespace attend
