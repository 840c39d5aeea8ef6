// Published checkpoints through the program: options, rows, errors.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "cli/temporary_folder.h"
#include "end_to_end/photo_files.h"
#include "end_to_end/program.h"
#include "published/made_checkpoint.h"

namespace attend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const char* const kPhoto = ATTEND_EXAMPLES_DIR "/photos/astronaut.jpg";

Json row_of(const std::vector<std::string>& options) {
  std::vector<std::string> arguments = {"caption", kPhoto, "--format", "jsonl", "--tokens"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const Outcome outcome = run_attend(arguments);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return Json::parse(outcome.out);
}

TEST(PublishedCheckpoint, OptionsTakeThePlaceOfItsSettings) {
  TemporaryFolder folder;
  const Json& golden = golden_case("vit-gpt2");
  const std::string model = MadeCheckpoint(golden).write(folder);
  for (const Json& run : golden["runs"]) {
    std::vector<std::string> options = {"--model", model};
    const auto add = [&](const char* key, const char* option) {
      if (!run.contains(key)) return;
      options.insert(options.end(),
                     {option, run[key].is_string() ? run[key].get<std::string>() : run[key].dump()});
    };
    add("num_beams", "--beam");
    add("max_length", "--max-length");
    add("length_penalty", "--length-exponent");
    add("prompt", "--prompt");
    EXPECT_EQ(row_of(options)["tokens"], run["ids"]) << run;
  }
}

TEST(PublishedCheckpoint, MapsRowsAndFactsOfItself) {
  TemporaryFolder folder, maps;
  const std::string model = MadeCheckpoint(golden_case("git")).write(folder);
  const Json row = row_of({"--model", model, "--attention", "--maps", maps.path()});
  EXPECT_EQ(row["words"][0]["attention"].size(), 4u);
  EXPECT_TRUE(std::filesystem::exists(maps / "astronaut.maps.png"));
  const Outcome facts = run_attend({"info", "--model", model, "--format", "jsonl", "--weights", "int8"});
  ASSERT_EQ(facts.exit_code, 0) << facts.err;
  const Json about = Json::parse(facts.out)["model"];
  EXPECT_EQ(about["kind"], "GIT");
  EXPECT_EQ(about["stored as"], "F32");
  EXPECT_THAT(about["rounded to"].get<std::string>(), StartsWith("int8, off by 0.00"));
}

TEST(PublishedCheckpoint, RoundingSaysWhatItCosts) {
  TemporaryFolder folder;
  const std::string model = MadeCheckpoint(golden_case("blip")).write(folder);
  const Outcome outcome = run_attend({"caption", kPhoto, "--model", model, "--weights", "bf16"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(lines_of(outcome.err),
              ElementsAre(StartsWith("attend: weights rounded to bfloat16, off by 0.00")));
  Surroundings silent;
  silent.errors_on_full_disk = true;
  const Outcome unheard = run_attend({"caption", kPhoto, "--model", model, "--weights", "bf16"}, silent);
  EXPECT_EQ(unheard.exit_code, 0);
  EXPECT_EQ(unheard.out, outcome.out);
}

TEST(PublishedCheckpoint, WhatItCannotDoIsAUsageError) {
  TemporaryFolder folder;
  const std::string model = MadeCheckpoint(golden_case("blip")).write(folder);
  const auto refused = [&](const std::vector<std::string>& options) {
    std::vector<std::string> arguments = {"caption", kPhoto};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Outcome outcome = run_attend(arguments);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_EQ(outcome.out, "");
    return outcome.err;
  };
  EXPECT_THAT(refused({"--model", model, "--prompt", "a dog on the beach", "--max-length", "5"}),
              HasSubstr("the prompt has 6 tokens with its start, and --max-length is 5"));
  EXPECT_THAT(refused({"--model", model, "--beam", "100"}), HasSubstr("caption: --beam is 100, and"));
  EXPECT_THAT(refused({"--model", model, "--weights", "int4"}), HasSubstr("--weights"));
  EXPECT_THAT(refused({"--model", model, "--tokens"}), HasSubstr("--tokens: needs --format jsonl"));
  EXPECT_THAT(refused({"--prompt", "a dog"}), HasSubstr("takes no prompt"));
  EXPECT_THAT(refused({"--weights", "int8"}), HasSubstr("--weights requires --model"));
}

}  // namespace
}  // namespace attend
