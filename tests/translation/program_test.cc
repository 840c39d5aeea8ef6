// `attend translate`, `attend eval-translate` and `attend info` of translation models as people run them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/input_lines.h"
#include "translation/program_toys.h"

namespace attend::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

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
