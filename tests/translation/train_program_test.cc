// `attend train-translate` as people run it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>

#include "translation/program_toys.h"

namespace attend::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(TrainTranslateProgram, LearnsToTranslateWhatItWasShown) {
  const Toys toys;
  const std::string model = toys.folder / "model.safetensors";
  const Outcome trained = run_attend(
      toys.training("run", {"--epochs", "60", "--patience", "0", "--out", model, "--note", "licence=none"}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(trained.out, "");
  EXPECT_THAT(trained.err, HasSubstr("val BLEU"));
  for (const char* file : {"run/log.tsv", "run/curve.svg", "run/recipe.json", "run/final.safetensors"})
    EXPECT_TRUE(std::filesystem::exists(toys.folder / file)) << file;
  Surroundings lines;
  lines.input = toy_sentence(0, false) + "\n\n" + toy_sentence(7, false);
  const Outcome outcome = run_attend({"translate", "--model", model}, lines);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(lines_of(outcome.out), ElementsAre(toy_sentence(0, true), "", toy_sentence(7, true)));
  const Outcome scored =
      run_attend({"eval-translate", "--model", model, "--source", toys.folder / "data/val.xx", "--references",
                  toys.folder / "data/val.yy", "--json"});
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  const nlohmann::json json = nlohmann::json::parse(scored.out);
  EXPECT_EQ(json["sentences"], 12);
  EXPECT_GT(json["bleu"].get<double>(), 90);
  EXPECT_THAT(json["signature"].get<std::string>(),
              StartsWith("nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:attend-"));
}

/// Runs the command until its checkpoint has changed, and kills it without a warning.
void run_and_kill(std::vector<std::string> words, const std::string& checkpoint) {
  std::vector<char*> pointers = {const_cast<char*>("attend")};
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const auto stamp = [&] {
    std::error_code none;
    return std::filesystem::last_write_time(checkpoint, none);
  };
  const auto before = stamp();
  const pid_t child = fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(125);
    execv(ATTEND_PROGRAM, pointers.data());
    _exit(126);
  }
  for (int wait = 0; wait < 3000 && stamp() == before; ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
}

TEST(TrainTranslateProgram, ARunThatWasKilledAndGivenAgainEndsWithTheSameBytes) {
  const Toys toys;
  const std::vector<std::string> options = {"--epochs", "12", "--patience", "0", "--average", "3"};
  ASSERT_EQ(run_attend(toys.training("straight", options)).exit_code, 0);
  std::vector<std::string> saving = options;
  saving.insert(saving.end(), {"--save-every", "0"});
  for (int i = 0; i < 2; ++i)
    run_and_kill(toys.training("killed", saving), toys.folder / "killed/checkpoint.safetensors");
  const Outcome last = run_attend(toys.training("killed", options));
  ASSERT_EQ(last.exit_code, 0) << last.err;
  EXPECT_EQ(contents(toys.folder / "killed/final.safetensors"),
            contents(toys.folder / "straight/final.safetensors"));
  EXPECT_NE(contents(toys.folder / "killed/final.safetensors"), "");
}

TEST(TrainTranslateProgram, AnotherRecipeForTheSameRunIsNamed) {
  const Toys toys;
  ASSERT_EQ(run_attend(toys.training("run", {"--epochs", "1"})).exit_code, 0);
  const Outcome outcome = run_attend(toys.training("run", {"--epochs", "2"}));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("epochs was 1, now 2"));
}

TEST(TrainTranslateProgram, PairsThatTeachNothingAreCountedAndNothingToLearnFromIsAnError) {
  const Toys toys;
  const auto data = [&](const std::string& split, const std::string& source, const std::string& target) {
    toys.folder.file("data/" + split + ".xx", source);
    toys.folder.file("data/" + split + ".yy", target);
  };
  const std::string train = contents(toys.folder / "data/train.xx"),
                    translated = contents(toys.folder / "data/train.yy");
  std::string longer;
  for (int i = 0; i < 48; ++i) longer += toy_sentence(i, false) + " ";
  data("train", train + "\n \nA dog.\n" + longer + "\n", translated + "\nDer\n\nDer Hund.\n");
  data("val", longer + "\n", longer + "\n");
  const Outcome some = run_attend(toys.training("run", {"--epochs", "1", "--longest", "64"}));
  EXPECT_EQ(some.exit_code, 0) << some.err;
  EXPECT_THAT(some.err, HasSubstr("attend: 4 pairs of train sentences are left out: 3 with an empty side and "
                                  "1 of more than 63 pieces (--longest)\n"));
  EXPECT_THAT(contents(toys.folder / "run/log.tsv"), ::testing::EndsWith("\t0.000000\t\n"))
      << "no validation sentence has a loss";
  const Outcome none = run_attend(toys.training("none", {"--epochs", "1", "--longest", "4"}));
  EXPECT_EQ(none.exit_code, 2);
  EXPECT_THAT(lines_of(none.err),
              ElementsAre("attend: no pair of train sentences to learn from: there are 3 with an empty side "
                          "and 49 of more than 3 pieces (--longest)"));
}

TEST(TrainTranslateProgram, AGivenPieceModelIsTaken) {
  const Toys toys;
  const std::string pieces = toys.folder.file("pieces.model", toy_pieces().serialised());
  std::vector<std::string> words = toys.training("run", {"--epochs", "1", "--piece-model", pieces});
  const auto count = std::find(words.begin(), words.end(), "--pieces");
  words.erase(count, count + 2);
  EXPECT_EQ(run_attend(words).exit_code, 0);
  words.back() = toys.folder.file("broken.model", "broken");
  const Outcome broken = run_attend(words);
  EXPECT_EQ(broken.exit_code, 2);
  EXPECT_THAT(broken.err, HasSubstr("broken.model"));
}

TEST(TrainTranslateProgram, DataThatDoesNotFitIsToldWithItsFileAndLine) {
  const Toys toys;
  const auto error = [&] {
    const Outcome outcome = run_attend(toys.training("run", {"--epochs", "1"}));
    EXPECT_EQ(outcome.exit_code, 2);
    return outcome.err;
  };
  toys.folder.file("data/val.yy", "one\n");
  EXPECT_THAT(error(), HasSubstr("val.xx has 12 lines and"));
  toys.folder.file("data/val.yy", "one\n\xff\n");
  EXPECT_THAT(error(), HasSubstr("val.yy:2: not UTF-8"));
  std::filesystem::remove(toys.folder / "data/val.yy");
  EXPECT_THAT(error(), HasSubstr("val.yy"));
}

TEST(TrainTranslateProgram, HeadsWiderThanAttentionTakesAreAnErrorOfUse) {
  const Toys toys;
  std::vector<std::string> words = toys.training("run");
  *(std::find(words.begin(), words.end(), "--width") + 1) = "1032";
  *(std::find(words.begin(), words.end(), "--heads") + 1) = "1";
  expect_refused(words, "width 1032 makes each of its heads 1032 wide, more than 1024");
  EXPECT_FALSE(std::filesystem::exists(toys.folder / "run"));
}

TEST(TrainTranslateProgram, MorePiecesThanTheTextHasAreToldWithTheMostThatArePossible) {
  const Toys toys;
  std::vector<std::string> words = toys.training("run", {"--epochs", "1"});
  *(std::find(words.begin(), words.end(), "--pieces") + 1) = "5000";
  const Outcome outcome = run_attend(words);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(lines_of(outcome.err),
              ElementsAre(::testing::MatchesRegex(
                  "attend: cannot cut 96 sentences into 5000 pieces: at most [0-9]+ are possible")));
}

}  // namespace
}  // namespace attend::testing
