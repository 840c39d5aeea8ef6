// What the program says when it is asked for help, or for something that makes no sense.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "end_to_end/program.h"
#include "end_to_end/tiny_model.h"

namespace attend {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// A usage error: exit code 1, nothing on standard output, one line on standard error that holds `word`.
void expect_usage_error(const std::vector<std::string>& arguments, const std::string& word) {
  SCOPED_TRACE(testing::PrintToString(arguments));
  const Outcome outcome = run_attend(arguments);
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(lines_of(outcome.err), SizeIs(1)) << outcome.err;
  EXPECT_THAT(outcome.err, AllOf(StartsWith("attend: "), HasSubstr(word)));
}

TEST(Usage, HelpIsAResultOnStandardOutput) {
  const Outcome outcome = run_attend({"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  for (const char* command : {"caption", "info", "train", "eval", "models", "pull", "Exit codes"}) {
    EXPECT_THAT(outcome.out, HasSubstr(command));
  }
}

TEST(Usage, EachCommandHasHelpThatNamesItsOptions) {
  for (const char* command : {"caption", "info", "train", "eval", "models", "pull"}) {
    const Outcome outcome = run_attend({command, "--help"});
    EXPECT_EQ(outcome.exit_code, 0) << command;
    EXPECT_EQ(outcome.err, "");
    EXPECT_THAT(outcome.out, HasSubstr(std::string("Usage: attend ") + command));
  }
  const std::string help = run_attend({"caption", "--help"}).out;
  for (const char* option :
       {"PATHS", "--beam", "--maps", "--format", "--attention", "--model", "--min-length", "--max-length",
        "--greedy", "--sample", "--temperature", "--seed", "--threads", "--recursive"}) {
    EXPECT_THAT(help, HasSubstr(option));
  }
}

TEST(Usage, VersionIsOneLine) {
  const Outcome outcome = run_attend({"--version"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, "attend " ATTEND_VERSION "\n");
  EXPECT_EQ(outcome.err, "");
}

TEST(Usage, CommandsAreRequiredAndKnown) {
  expect_usage_error({}, "--help");
  expect_usage_error({"describe"}, "describe");
  expect_usage_error({"caption"}, "PATHS");
  expect_usage_error({"caption", "a.jpg", "--no-such-option"}, "--no-such-option");
}

TEST(Usage, NumbersOutOfRangeAreNamed) {
  for (const char* value : {"0", "-1", "101", "1000000000", "99999999999999999999", "three", "1.5", ""}) {
    expect_usage_error({"caption", "a.jpg", "--beam", value}, "--beam");
  }
  expect_usage_error({"caption", "a.jpg", "--max-length", "0"}, "--max-length");
  expect_usage_error({"caption", "a.jpg", "--min-length", "-1"}, "--min-length");
  expect_usage_error({"caption", "a.jpg", "--threads", "-2"}, "--threads");
  expect_usage_error({"caption", "a.jpg", "--sample", "--temperature", "0"}, "--temperature");
  expect_usage_error({"caption", "a.jpg", "--sample", "--temperature", "nan"}, "--temperature");
  for (const char* seed : {"-1", "18446744073709551616"})
    expect_usage_error({"caption", "a.jpg", "--sample", "--seed", seed}, "--seed");
  expect_usage_error({"caption", "a.jpg", "--beam", ""}, "--beam: \"\" is not a whole number from 1 to 100");
  expect_usage_error({"caption", "a.jpg", "--length-exponent", "nan"}, "is not a number from -10 to 10");
  EXPECT_THAT(run_attend({"caption", "--help"}).out, HasSubstr("(0 to 18446744073709551615)"));
}

TEST(Usage, WordsThatAreNoneOfThoseKnownAreNamed) {
  for (const char* weights : {"x", "1", ""}) {
    expect_usage_error({"caption", "a.jpg", "--model", "m", "--weights", weights},
                       "--weights: \"" + std::string(weights) + "\" is none of stored|bf16|int8");
  }
  expect_usage_error({"info", "3", "--seed"}, "info: not expected: 3 --seed");
  expect_usage_error({"info", "[3,4]"}, "info: not expected: [3,4]");
}

TEST(Usage, AnEmptyPathIsAMistake) {
  expect_usage_error({"caption", ""}, "PATHS: must not be empty");
  expect_usage_error({"caption", "a.jpg", "--maps", ""}, "--maps: must not be empty");
  expect_usage_error({"caption", "a.jpg", "--model", ""}, "--model: must not be empty");
  expect_usage_error({"info", "--model", ""}, "--model: must not be empty");
}

TEST(Usage, NothingBehindTheEqualsSignIsNoValue) {
  const std::string photo = "p.jpg";
  expect_usage_error({"caption", "--maps=", "folder", photo}, "--maps= has no value behind it");
  expect_usage_error({"caption", photo, "--beam=", "3"}, "--beam= has no value behind it");
  expect_usage_error({"info", "--model="}, "--model= has no value behind it");
  expect_usage_error({"caption", photo, "--prompt=a="}, "takes no prompt");
  EXPECT_EQ(run_attend({"caption", "--model", tiny_model(), "--", "--maps="}).exit_code, 2);
}

TEST(Usage, WeightsAreRoundedOfPublishedCheckpointsOnly) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"caption", "a.jpg"}, {"info"}}) {
    std::vector<std::string> words = command;
    words.insert(words.end(), {"--weights", "int8"});
    expect_usage_error(words, "--weights requires --model");
    words.insert(words.end(), {"--model", tiny_model()});
    expect_usage_error(words, "--weights: " + tiny_model() + ": only published models");
  }
}

TEST(Usage, ThreadsThatSomebodyMistypedInTheEnvironmentAreNotStarted) {
  ASSERT_EQ(setenv("OMP_NUM_THREADS", "99999", 1), 0);
  const Outcome outcome = run_attend({"info", "--model", tiny_model()});
  unsetenv("OMP_NUM_THREADS");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("threads                 1024\n"));
}

TEST(Usage, OptionsThatContradictEachOtherAreRefused) {
  expect_usage_error({"caption", "a.jpg", "--greedy", "--beam", "3"}, "--greedy");
  expect_usage_error({"caption", "a.jpg", "--greedy", "--sample"}, "--sample");
  expect_usage_error({"caption", "a.jpg", "--temperature", "2"}, "--sample");
  expect_usage_error({"caption", "a.jpg", "--seed", "2"}, "--sample");
  expect_usage_error({"caption", "a.jpg", "--attention"}, "--format jsonl");
  expect_usage_error({"caption", "a.jpg", "--format", "xml"}, "--format");
  expect_usage_error({"caption", "a.jpg", "--min-length", "9", "--max-length", "5"}, "--min-length");
  expect_usage_error({"info", "--format", "xml"}, "--format");
}

}  // namespace
}  // namespace attend
