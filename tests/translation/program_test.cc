// `attend train-translate`, `attend translate` and `attend eval-translate` as people run them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "cli/input_lines.h"
#include "cli/temporary_folder.h"
#include "end_to_end/program.h"
#include "translation/file_testing.h"

namespace attend::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A folder of toy sentences in two languages, and a model that was never trained.
struct Toys {
  TemporaryFolder folder;
  std::string model = folder / "untrained.safetensors";

  Toys() {
    folder.folder("data");
    for (const bool target : {false, true}) {
      std::string train, val;
      for (int i = 0; i < 48; ++i) train += toy_sentence(i, target) + "\n";
      for (int i = 0; i < 12; ++i) val += toy_sentence(i, target) + "\n";
      folder.file(std::string("data/train.") + (target ? "yy" : "xx"), train);
      folder.file(std::string("data/val.") + (target ? "yy" : "xx"), val);
    }
    EXPECT_TRUE(save_toy_model(model).ok());
  }

  std::vector<std::string> training(const std::string& run, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"train-translate",
                                      "--data",
                                      folder / "data",
                                      "--source",
                                      "xx",
                                      "--target",
                                      "yy",
                                      "--run",
                                      folder / run,
                                      "--pieces",
                                      "36",
                                      "--width",
                                      "16",
                                      "--heads",
                                      "2",
                                      "--hidden",
                                      "32",
                                      "--batch",
                                      "80",
                                      "--warmup",
                                      "20",
                                      "--lr",
                                      "0.01",
                                      "--dropout",
                                      "0.1",
                                      "--threads",
                                      "1",
                                      "--encoder-layers",
                                      "1",
                                      "--decoder-layers",
                                      "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

TEST(TranslateProgram, LearnsToTranslateWhatItWasShown) {
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

TEST(TranslateProgram, ARunThatWasKilledAndGivenAgainEndsWithTheSameBytes) {
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

TEST(TranslateProgram, AnotherRecipeForTheSameRunIsNamed) {
  const Toys toys;
  ASSERT_EQ(run_attend(toys.training("run", {"--epochs", "1"})).exit_code, 0);
  const Outcome outcome = run_attend(toys.training("run", {"--epochs", "2"}));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("epochs was 1, now 2"));
}

TEST(TranslateProgram, PairsThatTeachNothingAreCountedAndNothingToLearnFromIsAnError) {
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

TEST(TranslateProgram, AGivenPieceModelIsTaken) {
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

TEST(TranslateProgram, DataThatDoesNotFitIsToldWithItsFileAndLine) {
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

TEST(TranslateProgram, LinesThatAreNotTextOrTooLongAreToldAndLinesOutStayLinesIn) {
  const Toys toys;
  Surroundings lines;
  std::string longer;
  for (int i = 0; i < 40; ++i) longer += toy_sentence(i, false) + " ";
  lines.input =
      toy_sentence(0, false) + "\r\n\xff\xfe\n" + longer + "\n \t\n" + toy_sentence(1, false) + "\n";
  const Outcome outcome = run_attend({"translate", "--model", toys.model}, lines);
  EXPECT_EQ(outcome.exit_code, 2);
  const std::vector<std::string> out = lines_of(outcome.out);
  ASSERT_EQ(out.size(), 5u);
  EXPECT_NE(out[0], "");
  EXPECT_EQ(out[1], "");
  EXPECT_EQ(out[3], "");
  EXPECT_NE(out[4], "");
  EXPECT_THAT(outcome.err, HasSubstr("line 2: not UTF-8"));
  EXPECT_THAT(outcome.err, HasSubstr("line 3: more than the 15 pieces"));
  EXPECT_EQ(run_attend({"translate", "--model", toys.model}).out, "") << "no lines in, none out";
}

TEST(TranslateProgram, ALineOfAnyLengthIsALine) {
  const Toys toys;
  const std::string words = toy_sentence(3, false) + " ", blanks(kLongestLine, ' ');
  std::string longer;
  while (longer.size() <= kLongestLine) longer += words;
  Surroundings lines;
  lines.input = toy_sentence(0, false) + "\n" + longer + "\n" + toy_sentence(1, false) + "\n" + blanks +
                words + "\n\xff" + longer + "\n" + toy_sentence(2, false) + "\n";
  const Outcome outcome = run_attend({"translate", "--model", toys.model}, lines);
  lines.input = toy_sentence(0, false) + "\n" + longer.substr(0, 1000) + "\n" + toy_sentence(1, false) +
                "\n\n\n" + toy_sentence(2, false) + "\n";
  EXPECT_EQ(outcome.out, run_attend({"translate", "--model", toys.model}, lines).out);
  EXPECT_THAT(lines_of(outcome.err),
              UnorderedElementsAre(HasSubstr("line 2: more than the 15 pieces"),
                                   HasSubstr("line 4: more than 64 KiB; the rest was not translated"),
                                   HasSubstr("line 5: not UTF-8")));
  EXPECT_EQ(outcome.exit_code, 2) << "because of line 5";
}

TEST(TranslateProgram, ManyLinesAreEachWhatTheyAreAlone) {
  const Toys toys;
  Surroundings lines;
  for (int i = 0; i < 60; ++i) lines.input += toy_sentence(i * 7, i % 2 == 0) + "\n";
  const Outcome together = run_attend({"translate", "--model", toys.model, "--batch", "16"}, lines);
  const Outcome apart =
      run_attend({"translate", "--model", toys.model, "--batch", "1", "--threads", "1"}, lines);
  EXPECT_EQ(lines_of(together.out).size(), 60u);
  EXPECT_EQ(together.out, apart.out);
  const Outcome one = run_attend({"translate", "--model", toys.model, toy_sentence(7, false)});
  EXPECT_EQ(one.out, lines_of(together.out)[1] + "\n");
}

TEST(TranslateProgram, AnEmptySentenceIsASentence) {
  const Toys toys;
  Surroundings lines;
  lines.input = toy_sentence(0, false) + "\n";
  for (const char* sentence : {"", "   "}) {
    const Outcome outcome = run_attend({"translate", "--model", toys.model, sentence}, lines);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_EQ(outcome.out, "\n") << "standard input is not read";
  }
}

TEST(TranslateProgram, ASentenceWithoutWordsIsNotDrawn) {
  const Toys toys;
  const std::string map = toys.folder / "map.png";
  for (const char* sentence : {"", "   ", "\xe2\x96\x81"}) {  // the last is how pieces write a space
    const Outcome outcome = run_attend({"translate", "--model", toys.model, sentence, "--attention", map});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(lines_of(outcome.err), ElementsAre(HasSubstr("no words, so there is nothing to draw")));
    EXPECT_FALSE(std::filesystem::exists(map));
  }
}

/// The toy model, but what it says, "erer...", is spelled otherwise by its pieces.
void save_steering_model(const std::string& path) {
  std::vector<std::string> sentences;
  for (int i = 0; i < 48; ++i) {
    sentences.push_back(toy_sentence(i / 2, i % 2 == 1));
    std::ranges::replace(sentences.back(), 'e', '\x1b');
    std::ranges::replace(sentences.back(), 'r', '\n');
  }
  const Result<SentencePieces> pieces = SentencePieces::train(sentences, 36);
  ASSERT_TRUE(pieces.ok()) << pieces.status().message();
  TranslationModel<float> model(toy_config().shape);
  randomize(model.parameters());
  ASSERT_TRUE(save_translation_model(path, {model, toy_config(), pieces.value(), kToyNotes}).ok());
}

TEST(TranslateProgram, AModelsPiecesNeitherSteerTheTerminalNorBreakLinesApart) {
  const Toys toys;
  const std::string model = toys.folder / "steering.safetensors";
  save_steering_model(model);
  const Outcome outcome = run_attend({"translate", "--model", model, "A dog is."});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("\\x1b\\n\\x1b\\n"));
  EXPECT_EQ(outcome.out.find('\x1b'), std::string::npos);
  EXPECT_EQ(lines_of(outcome.out).size(), 1u);
}

TEST(TranslateProgram, DrawsWhereEachWordCameFrom) {
  const Toys toys;
  const std::string map = toys.folder / "map.png";
  const Outcome outcome =
      run_attend({"translate", "--model", toys.model, toy_sentence(2, false), "--attention", map});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(contents(map), StartsWith("\x89PNG"));
  const Outcome no_sentence = run_attend({"translate", "--model", toys.model, "--attention", map});
  EXPECT_EQ(no_sentence.exit_code, 1);
}

TEST(TranslateProgram, APictureThatCannotBeWrittenIsToldBeforeTheWork) {
  const Toys toys;
  const auto refused = [&](const std::string& map, int exit_code, const std::string& words) {
    const Outcome outcome = run_attend({"translate", "--model", toys.model, "A dog.", "--attention", map});
    EXPECT_EQ(outcome.exit_code, exit_code);
    EXPECT_EQ(outcome.out, "");
    EXPECT_THAT(lines_of(outcome.err), ElementsAre(HasSubstr(words)));
  };
  refused("map.txt", 1, "--attention: map.txt: images are written as .png, .jpg or .jpeg");
  const std::string nowhere = toys.folder / "nowhere/map.png";
  refused(nowhere, 2, nowhere + ": cannot write");
}

TEST(TranslateProgram, AModelThatIsMissingOrDamagedIsOneSentence) {
  const Toys toys;
  const std::string damaged = toys.folder.file("damaged.safetensors", contents(toys.model).substr(0, 3000));
  for (const std::string& model : {damaged, toys.folder / "none.safetensors"}) {
    const Outcome outcome = run_attend({"translate", "--model", model, "A dog."});
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_EQ(lines_of(outcome.err).size(), 1u);
    EXPECT_THAT(outcome.err, HasSubstr(model));
    EXPECT_EQ(outcome.out, "");
  }
  EXPECT_EQ(run_attend({"translate", "--model", toys.model, "--beam", "0", "A dog."}).exit_code, 1);
}

TEST(EvalTranslateProgram, ScoresAFileOfTranslationsAndWritesItsOwn) {
  const Toys toys;
  const std::string references = toys.folder / "data/val.yy", written = toys.folder / "written.txt";
  const Outcome perfect =
      run_attend({"eval-translate", "--references", references, "--translations", references});
  ASSERT_EQ(perfect.exit_code, 0) << perfect.err;
  EXPECT_THAT(lines_of(perfect.out)[0], HasSubstr(" 12"));
  EXPECT_THAT(lines_of(perfect.out)[1], HasSubstr("100.00"));
  const Outcome own = run_attend({"eval-translate", "--references", references, "--source",
                                  toys.folder / "data/val.xx", "--model", toys.model, "--write", written});
  ASSERT_EQ(own.exit_code, 0) << own.err;
  EXPECT_EQ(run_attend({"eval-translate", "--references", references, "--translations", written}).out,
            own.out);
}

TEST(EvalTranslateProgram, SentencesThatWereCutAreCountedAtTheEnd) {
  const Toys toys;
  std::string longer, sentences;
  for (int i = 0; i < 40; ++i) longer += toy_sentence(i, false) + " ";
  for (int i = 0; i < 12; ++i) sentences += (i % 4 == 0 ? longer : "A dog.") + "\n";
  const Outcome outcome =
      run_attend({"eval-translate", "--references", toys.folder / "data/val.yy", "--source",
                  toys.folder.file("long.xx", sentences), "--model", toys.model});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("attend: 3 of the sentences have more than the 15 pieces that this "
                                     "model reads; the rest of each was not translated\n"));
  EXPECT_THAT(outcome.out, HasSubstr("BLEU"));
}

TEST(EvalTranslateProgram, FilesThatDoNotFitAreErrors) {
  const Toys toys;
  const std::string references = toys.folder / "data/val.yy", one = toys.folder.file("one.txt", "one\n");
  const Outcome outcome = run_attend({"eval-translate", "--references", references, "--translations", one});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("has 12 lines where"));
  EXPECT_EQ(run_attend({"eval-translate", "--references", references}).exit_code, 1);
  EXPECT_EQ(run_attend({"eval-translate", "--translations", one}).exit_code, 1);
}

/// A usage error: exit code 1, and one line on standard error that ends with `words`.
void expect_refused(const std::vector<std::string>& arguments, const std::string& words) {
  const Outcome outcome = run_attend(arguments);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_THAT(lines_of(outcome.err), ElementsAre(HasSubstr(words)));
}

TEST(TranslateProgram, OptionsAreCheckedBeforeAnythingIsRead) {
  const Toys toys;
  for (const std::string command : {"translate", "eval-translate"}) {
    expect_refused({command, "--length-exponent", "nan"}, "\"nan\" is not a number from 0 to 10");
    expect_refused({command, "--beam", "101"}, "\"101\" is not a whole number from 1 to 100");
    expect_refused({command, "--beam", ""}, "--beam: \"\" is not");
    expect_refused({command, "--threads", "-1"}, "is not a whole number from 0 to 1024");
    expect_refused({command, "--model", ""}, "--model: must not be empty");
  }
  expect_refused({"translate", "A dog.", "--attention", ""}, "--attention: must not be empty");
  for (const char* path : {"--source", "--references", "--translations", "--write"})
    expect_refused({"eval-translate", path, ""}, std::string(path) + ": must not be empty");
  std::vector<std::string> words = toys.training("run");
  *(std::find(words.begin(), words.end(), "--threads") + 1) = "-1";
  expect_refused(words, "is not a whole number from 0 to 1024");
  expect_refused(toys.training("run", {"--save-every", "nan"}), "\"nan\" is not a number from 0 to");
  expect_refused(toys.training("run", {"--label-smoothing", "2"}),
                 "--label-smoothing: \"2\" is not a number from 0 to 0.9");
  expect_refused(toys.training("run", {"--longest", "3"}), "--longest: \"3\" is not a whole number from 4");
  expect_refused(toys.training("run", {"--seed", "-1"}), "\"-1\" is not a whole number from 0 to");
  expect_refused(toys.training("run", {"--norm", "0"}), "\"0\" is none of pre|post");
  std::vector<std::string> few = toys.training("run");
  *(std::find(few.begin(), few.end(), "--pieces") + 1) = "7";
  expect_refused(few, "--pieces: \"7\" is not a whole number from 8 to 1048576");
  expect_refused(toys.training("run", {"--out", ""}), "--out: must not be empty");
  expect_refused(toys.training("run", {"--epochs", "0"}),
                 "epochs is 0, and there are no parameters to start from");
  EXPECT_FALSE(std::filesystem::exists(toys.folder / "run"));
}

TEST(TrainTranslateProgram, HeadsWiderThanAttentionTakesAreAnErrorOfUse) {
  const Toys toys;
  std::vector<std::string> words = toys.training("run");
  *(std::find(words.begin(), words.end(), "--width") + 1) = "1032";
  *(std::find(words.begin(), words.end(), "--heads") + 1) = "1";
  expect_refused(words, "width 1032 makes each of its heads 1032 wide, more than 1024");
  EXPECT_FALSE(std::filesystem::exists(toys.folder / "run"));
}

TEST(TranslateProgram, AFileThatCannotBeWrittenIsToldBeforeTheWork) {
  const Toys toys;
  const std::string nowhere = toys.folder / "nowhere/file", references = toys.folder / "data/val.yy";
  for (const std::vector<std::string>& words :
       {toys.training("run", {"--out", nowhere}),
        std::vector<std::string>{"eval-translate", "--references", references, "--source",
                                 toys.folder / "data/val.xx", "--model", toys.folder / "none.safetensors",
                                 "--write", nowhere}}) {
    const Outcome outcome = run_attend(words);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_THAT(lines_of(outcome.err), ElementsAre(StartsWith("attend: " + nowhere + ": cannot write")));
  }
  EXPECT_FALSE(std::filesystem::exists(toys.folder / "run"));
}

TEST(TranslateProgram, MorePiecesThanTheTextHasAreToldWithTheMostThatArePossible) {
  const Toys toys;
  std::vector<std::string> words = toys.training("run", {"--epochs", "1"});
  *(std::find(words.begin(), words.end(), "--pieces") + 1) = "5000";
  const Outcome outcome = run_attend(words);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(lines_of(outcome.err),
              ElementsAre(::testing::MatchesRegex(
                  "attend: cannot cut 96 sentences into 5000 pieces: at most [0-9]+ are possible")));
}

TEST(EvalTranslateProgram, OptionsOfAModelAreRefusedWhereNoneIsRun) {
  const Toys toys;
  const std::string references = toys.folder / "data/val.yy";
  for (const char* option : {"--model", "--beam", "--length-exponent", "--batch"}) {
    expect_refused({"eval-translate", "--references", references, "--translations", references, option, "3"},
                   "--translations excludes");
  }
}

TEST(InfoOfATranslationModel, SaysWhatIsInTheFile) {
  const Toys toys;
  const Outcome outcome = run_attend({"info", "--format", "jsonl", "--model", toys.model});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const nlohmann::json info = nlohmann::json::parse(outcome.out, nullptr, false);
  ASSERT_TRUE(info.is_object()) << outcome.out;
  const nlohmann::json& model = info["model"];
  EXPECT_EQ(model["file"], toys.model);
  EXPECT_EQ(model["languages"], (nlohmann::json{"xx", "yy"}));
  EXPECT_EQ(model["pieces"], toy_pieces().size());
  EXPECT_EQ(model["parameters"], parameter_count(toy_config().shape));
  EXPECT_EQ(model["licence"], "none");
  EXPECT_FALSE(info.contains("translation model"));  // that is said of the program's own, without --model
}

TEST(InfoOfATranslationModel, ComplainsOfADamagedOneAndOfWeightsThatAreNotRounded) {
  const Toys toys;
  const Outcome rounded = run_attend({"info", "--model", toys.model, "--weights", "int8"});
  EXPECT_EQ(rounded.exit_code, 1);
  EXPECT_EQ(rounded.err, "attend: info: --weights: " + toys.model +
                             ": only published models in a folder have their weights rounded\n");
  std::filesystem::resize_file(toys.model, std::filesystem::file_size(toys.model) - 1);
  const Outcome outcome = run_attend({"info", "--model", toys.model});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err, HasSubstr("untrained.safetensors"));
}

}  // namespace
}  // namespace attend::testing
