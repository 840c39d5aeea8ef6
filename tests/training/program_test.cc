// `attend train` and `attend eval` as people run them.
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
#include <sstream>
#include <thread>

#include "checkpoint/safetensors.h"
#include "cli/temporary_folder.h"
#include "end_to_end/program.h"
#include "training/training_log.h"
#include "vision/made_images.h"

namespace attend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::string kEncoder = std::string(ATTEND_GOLDEN_DIR) + "/vision_encoder.safetensors";

/// A data folder of 20 photos in two colours, 12 to train with and 4 each to choose and to test by.
struct Toys {
  TemporaryFolder folder;

  Toys() {
    EXPECT_EQ(VIPS_INIT("attend_train_program_tests"), 0);
    folder.folder("toys/images");
    std::string rows;
    for (int i = 0; i < 20; ++i) {
      const std::string name = "toy" + std::to_string(i) + ".png", colour = i % 2 == 0 ? "red" : "blue";
      const std::string split = i < 12 ? "train" : i < 16 ? "val" : "test";
      Photo photo{30 + i, 40, {}};
      for (int pixel = 0; pixel < photo.width * photo.height; ++pixel) {
        for (const int c : {i % 2 == 0 ? 200 : 30, pixel * i % 60, i % 2 == 0 ? 30 : 200}) {
          photo.rgb.push_back(static_cast<uint8_t>(c));
        }
      }
      folder.file("toys/images/" + name, encoded(to_vips(photo), ".png"));
      rows += name + "\t" + split + "\t0\tA " + colour + " toy on a table .\n";
      rows += name + "\t" + split + "\t1\tThere is a " + colour + " toy\n";
    }
    folder.file("toys/captions.tsv", rows);
  }

  std::vector<std::string> training(const std::string& run, const std::vector<std::string>& more = {}) const {
    std::vector<std::string> words = {"train",
                                      "--data",
                                      folder / "toys",
                                      "--encoder",
                                      kEncoder,
                                      "--run",
                                      folder / run,
                                      "--cache",
                                      folder / "cache",
                                      "--input-side",
                                      "64",
                                      "--min-count",
                                      "1",
                                      "--width",
                                      "16",
                                      "--heads",
                                      "2",
                                      "--hidden",
                                      "32",
                                      "--layers",
                                      "1",
                                      "--batch",
                                      "4",
                                      "--warmup",
                                      "3",
                                      "--threads",
                                      "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  std::vector<std::string> evaluation(const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"eval", "--data", folder / "toys"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
};

void expect_error(const Outcome& outcome, int code, const std::string& words) {
  EXPECT_EQ(outcome.exit_code, code);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(lines_of(outcome.err).back(), HasSubstr(words));
}

TEST(TrainProgram, TrainsAModelWhoseScoresEvalFindsAgainFromThePhotos) {
  const Toys toys;
  const std::string model = toys.folder / "model.safetensors";
  const Outcome trained = run_attend(toys.training(
      "run", {"--epochs", "12", "--lr", "0.01", "--average", "1", "--patience", "0", "--out", model}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(trained.out, "");
  EXPECT_THAT(trained.err, HasSubstr("epoch 12, loss "));
  for (const char* file : {"run/log.tsv", "run/curve.svg", "run/recipe.json", "run/final.safetensors"}) {
    EXPECT_TRUE(std::filesystem::exists(toys.folder / file)) << file;
  }
  double best = -1;
  const TrainingLog log = TrainingLog::open(toys.folder / "run/log.tsv", {}, 1000, 1000).value();
  for (const LogRow& row : log.rows()) best = std::max(best, row.set.empty() ? -1 : row.score);
  const Outcome scored = run_attend(toys.evaluation({"--model", model, "--split", "val", "--json"}));
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  const nlohmann::json json = nlohmann::json::parse(scored.out);
  EXPECT_EQ(json["images"], 4);
  EXPECT_NEAR(json["cider_d"].get<double>(), best, 1e-3) << "16-bit weights, features from the photos";
}

/// The signals for which a process has handlers, bit n - 1 for signal n.
uint64_t handled_signals(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigCgt:")) return std::stoull(line.substr(7), nullptr, 16);
  }
  return ~uint64_t{0};
}

TEST(TrainProgram, GoesOnWhereASignalStoppedItAndItsExitCodeSaysWhich) {
  const Toys toys;
  std::vector<std::string> words = toys.training("run", {"--epochs", "100000", "--patience", "0"});
  std::vector<char*> pointers = {const_cast<char*>("attend")};
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  int64_t before = -1;
  for (int sitting = 0; sitting < 2; ++sitting) {
    const pid_t child = fork();
    if (child == 0) {
      if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(125);
      execv(ATTEND_PROGRAM, pointers.data());
      _exit(126);
    }
    const auto rows = [&] {
      std::ifstream file(toys.folder / "run/log.tsv");
      return std::count(std::istreambuf_iterator<char>(file), {}, '\n');
    };
    const auto enough = rows() + 3;
    for (int wait = 0; wait < 3000 && rows() < enough; ++wait)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(handled_signals(child) & (1u << (SIGINT - 1) | 1u << (SIGTERM - 1)), 0u);
    const int signal = sitting == 0 ? SIGTERM : SIGINT;
    ASSERT_EQ(kill(child, signal), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 128 + signal);
    const Safetensors checkpoint = Safetensors::open(toys.folder / "run/checkpoint.safetensors").value();
    const int64_t step = std::stoll(checkpoint.metadata_value("step").value());
    EXPECT_GT(step, before);
    before = step;
  }
}

TEST(TrainProgram, WritesTheNotesForPeopleIntoTheModelAlsoOfAFinishedRun) {
  const Toys toys;
  const std::string model = toys.folder / "model.safetensors";
  const auto notes_after = [&](const std::vector<std::string>& notes) {
    std::vector<std::string> words = toys.training("run", {"--epochs", "1", "--out", model});
    words.insert(words.end(), notes.begin(), notes.end());
    const Outcome outcome = run_attend(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
    return Safetensors::open(model).value().metadata();
  };
  auto notes = notes_after({"--note", "licence=none", "--note", "training data=toys, 50 % = red"});
  EXPECT_EQ(notes["note.licence"], "none");
  EXPECT_EQ(notes["note.training data"], "toys, 50 % = red");
  EXPECT_THAT(notes["note.recipe"], HasSubstr("\"length_exponent\": 1.0"));
  notes = notes_after({"--note", "scores=high"});
  EXPECT_EQ(notes["note.scores"], "high");
  EXPECT_FALSE(notes.contains("note.licence"));
}

TEST(TrainProgram, TrainsAndCaptionsWithALearnedModule) {
  const Toys toys;
  const std::string model = toys.folder / "model.safetensors", photo = toys.folder / "toys/images/toy16.png";
  const Outcome trained = run_attend(
      toys.training("run", {"--attention", "additive", "--epochs", "3", "--lr", "0.01", "--out", model}));
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const Outcome said = run_attend({"caption", photo, "--model", model, "--format", "jsonl", "--attention",
                                   "--maps", toys.folder / "maps"});
  ASSERT_EQ(said.exit_code, 0) << said.err;
  const nlohmann::json words = nlohmann::json::parse(said.out)["words"];
  ASSERT_FALSE(words.empty());
  for (const nlohmann::json& word : words) EXPECT_EQ(word["attention"].size(), 2u);
  EXPECT_TRUE(std::filesystem::exists(toys.folder / "maps/toy16.maps.png"));
  expect_error(run_attend(toys.training("run", {"--attention", "dot", "--epochs", "3", "--lr", "0.01"})), 2,
               "attention was \"additive\", now \"dot\"");
  expect_error(run_attend(toys.training("other", {"--attention", "cosine"})), 1, "cosine");
}

TEST(TrainProgram, SelfCriticalTrainingStartsFromAnotherRun) {
  const Toys toys;
  ASSERT_EQ(run_attend(toys.training("words", {"--epochs", "2"})).exit_code, 0);
  const Outcome outcome = run_attend(toys.training(
      "rewards", {"--epochs", "1", "--self-critical", "--start", toys.folder / "words/final.safetensors"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("epoch 0, "));
  const std::string start = toys.folder / "words/final.safetensors";
  const Outcome beam =
      run_attend(toys.training("beam", {"--epochs", "1", "--self-critical", "--samples-from", "beam",
                                        "--caption-share", "0.2", "--start", start}));
  ASSERT_EQ(beam.exit_code, 0) << beam.err;
  std::ifstream recipe(toys.folder / "beam/recipe.json");
  const nlohmann::json chosen = nlohmann::json::parse(recipe);
  EXPECT_EQ(chosen["self_critical_source"], "beam");
  EXPECT_EQ(chosen["caption_share"], 0.2);
}

TEST(TrainProgram, TheMeanOfSeveralRunsIsJudgedAndWrittenWithoutAStep) {
  const Toys toys;
  const std::string one = toys.folder / "one/final.safetensors", two = toys.folder / "two/final.safetensors",
                    mean = toys.folder / "mean/final.safetensors";
  ASSERT_EQ(run_attend(toys.training("one", {"--epochs", "1"})).exit_code, 0);
  ASSERT_EQ(run_attend(toys.training("two", {"--epochs", "1", "--seed", "2"})).exit_code, 0);
  const Outcome outcome =
      run_attend(toys.training("mean", {"--epochs", "0", "--start", one, "--start", two}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("epoch 0, "));
  const std::string weight = "text.norm.bias";
  const auto values = [&](const std::string& path) {
    const Result<Safetensors> file = Safetensors::open(path);
    if (!file.ok()) return std::vector<float>{};
    std::vector<float> read(static_cast<size_t>(file.value().shape(weight).value().front()));
    EXPECT_TRUE(file.value().read(weight, file.value().shape(weight).value(), read).ok());
    return read;
  };
  const std::vector<float> a = values(one), b = values(two), c = values(mean);
  ASSERT_FALSE(c.empty());
  ASSERT_EQ(a.size(), c.size());
  EXPECT_NE(a, b);
  for (size_t i = 0; i < c.size(); ++i) EXPECT_FLOAT_EQ(c[i], (a[i] + b[i]) / 2) << i;
  const Outcome other = run_attend(toys.training("mean", {"--epochs", "0", "--start", one}));
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("start was ["));
}

TEST(TrainProgram, OnlyFillsTheCacheForNoEpochs) {
  const Toys toys;
  ASSERT_EQ(run_attend(toys.training("run", {"--epochs", "0"})).exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(toys.folder / "run"));
  const std::filesystem::directory_iterator files(toys.folder / "cache");
  EXPECT_EQ(std::distance(begin(files), end(files)), 2) << "train and val; test photos are not looked at";
}

TEST(TrainProgram, OptionsThatMakeNoSenseAreUsageErrors) {
  const Toys toys;
  std::vector<std::string> words = toys.training("run");
  *(std::find(words.begin(), words.end(), "--heads") + 1) = "3";
  expect_error(run_attend(words), 1, "width 16 is not a multiple of its 3 heads");
  expect_error(run_attend(toys.training("run", {"--self-critical"})), 1, "start from");
  expect_error(run_attend({"train", "--data", toys.folder / "none"}), 1, "none");
  expect_error(run_attend(toys.training("run", {"--lr", "0"})), 1,
               "last learning rate is 4e-06, and learning");
  EXPECT_FALSE(std::filesystem::exists(toys.folder / "cache")) << "nothing was done";
}

TEST(TrainProgram, OptionsAreCheckedBeforeAnythingIsRead) {
  const Toys toys;
  const auto refused = [&](const char* option, const char* value, const std::string& words) {
    expect_error(run_attend(toys.training("run", {option, value})), 1, words);
  };
  for (const char* seed : {"-1", "99999999999999999999999", "", "1.5"})
    refused("--seed", seed, "--seed: \"" + std::string(seed) + "\" is not a whole number from 0 to");
  for (const char* seconds : {"nan", "-1", "inf"}) refused("--save-every", seconds, "--save-every: ");
  for (const char* beam : {"0", "101", ""}) refused("--beam", beam, "is not a whole number from 1 to 100");
  for (const char* value : {"1", "nan", "0.5x"})
    refused("--beta2", value, "--beta2: \"" + std::string(value) + "\" is not a number from 0 to 0.999999");
  refused("--label-smoothing", "2", "--label-smoothing: \"2\" is not a number from 0 to 0.9");
  refused("--dropout", "1", "--dropout: \"1\" is not a number from 0 to 0.95");
  refused("--average", "1.5", "--average: \"1.5\" is not a whole number from 1 to 100");
  refused("--length-exponent", "nan", "\"nan\" is not a number from 0 to 10");
  refused("--attention", "1", "\"1\" is none of multihead|tanh|additive|general|dot|scaled_dot");
  refused("--precision", "x", "\"x\" is none of float32|bfloat16");
  refused("--samples", "1", "--samples: \"1\" is not a whole number from 2 to 100");
  refused("--samples", "2", "--samples requires --self-critical");
  refused("--caption-share", "0.5", "--caption-share requires --self-critical");
  refused("--samples-from", "beam", "--samples-from requires --self-critical");
  for (const char* path : {"--out", "--start"}) refused(path, "", std::string(path) + ": must not be empty");
  for (const char* path : {"--run", "--cache", "--data", "--encoder"}) {
    std::vector<std::string> words = toys.training("run");
    *(std::find(words.begin(), words.end(), path) + 1) = "";
    expect_error(run_attend(words), 1, std::string(path) + ": must not be empty");
  }
}

TEST(TrainProgram, AnInputThatIsNoWholeNumberOfPatchesIsAnErrorOfUse) {
  const Toys toys;
  std::vector<std::string> words = toys.training("run");
  *(std::find(words.begin(), words.end(), "--input-side") + 1) = "33";
  expect_error(run_attend(words), 1, "input side is 33, not a multiple of 32");
  EXPECT_FALSE(std::filesystem::exists(toys.folder / "cache"));
}

TEST(TrainProgram, AFileOrFolderThatCannotBeWrittenIsToldBeforeThePhotosAreRead) {
  const Toys toys;
  const std::string nowhere = toys.folder / "nowhere/model.safetensors";
  expect_error(run_attend(toys.training("run", {"--out", nowhere})), 2, nowhere + ": cannot write");
  expect_error(run_attend(toys.training("run", {"--out", toys.folder.path()})), 2, "not a regular file");
  const std::string file = toys.folder.file("file", "text");
  expect_error(run_attend(toys.training("file/run")), 2, file + "/run: cannot make the folder");
  expect_error(run_attend(toys.training("file")), 2, file + ": cannot make the folder");
  EXPECT_FALSE(std::filesystem::exists(toys.folder / "cache"));
}

TEST(TrainProgram, ANoteThatIsNoneOrComesTwiceIsAnErrorOfUse) {
  const Toys toys;
  expect_error(run_attend(toys.training("run", {"--note", "licence"})), 1, "\"licence\" is not KEY=TEXT");
  expect_error(run_attend(toys.training("run", {"--note", "=text"})), 1, "KEY=TEXT");
  expect_error(run_attend(toys.training("run", {"--note", "a=b", "--note", "a=c"})), 1, "a is already there");
  expect_error(run_attend(toys.training("run", {"--note", "recipe=mine"})), 1, "recipe is already there");
}

TEST(TrainProgram, LearnsFromCropsWhoseFeaturesItKeeps) {
  const Toys toys;
  ASSERT_EQ(run_attend(toys.training("run", {"--epochs", "0", "--crops", "2"})).exit_code, 0);
  const std::filesystem::directory_iterator caches(toys.folder / "cache");
  EXPECT_EQ(std::distance(begin(caches), end(caches)), 4) << "train whole and twice cropped, val whole";
  const Outcome outcome = run_attend(toys.training("run", {"--epochs", "1", "--crops", "2"}));
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_error(run_attend(toys.training("run", {"--epochs", "1"})), 2, "crops was 2, now 0");
  expect_error(run_attend(toys.training("run", {"--crops", "-1"})), 1,
               "--crops: \"-1\" is not a whole number from 0 to 100");
}

TEST(TrainProgram, ABrokenPhotoOrEncoderIsNamed) {
  const Toys toys;
  toys.folder.file("toys/images/toy5.png", "not a photo");
  expect_error(run_attend(toys.training("run")), 2, "toy5.png");
  std::vector<std::string> words = toys.training("run");
  words[4] = toys.folder.file("encoder.safetensors", "short");
  expect_error(run_attend(words), 2, "encoder.safetensors");
}

TEST(TrainProgram, AnotherRecipeForTheSameRunIsNamed) {
  const Toys toys;
  ASSERT_EQ(run_attend(toys.training("run", {"--epochs", "1"})).exit_code, 0);
  expect_error(run_attend(toys.training("run", {"--epochs", "2"})), 2, "epochs was 1, now 2");
}

TEST(TrainProgram, OtherCaptionsOfTheSamePhotosAreOtherData) {
  const Toys toys;
  ASSERT_EQ(run_attend(toys.training("run", {"--epochs", "1"})).exit_code, 0);
  std::ifstream file(toys.folder / "toys/captions.tsv");
  std::string rows{std::istreambuf_iterator<char>(file), {}};
  const std::string was = "toy12.png\tval\t1\tThere";
  rows.replace(rows.find(was), was.size(), "toy12.png\tval\t1\tHere");
  toys.folder.file("toys/captions.tsv", rows);
  expect_error(run_attend(toys.training("run", {"--epochs", "1"})), 2, "data_fingerprint was");
}

TEST(TrainProgram, ACommandThatFailedBeforeItsFirstStepMayBeGivenCorrected) {
  const Toys toys;
  expect_error(run_attend(toys.training("run", {"--epochs", "1", "--start", kEncoder})), 2, "no tensor");
  EXPECT_EQ(run_attend(toys.training("run", {"--epochs", "1"})).exit_code, 0);
}

TEST(TrainProgram, AFullDiskEndsTheRunWithTheFilesName) {
  const Toys toys;
  ASSERT_EQ(run_attend(toys.training("run", {"--epochs", "0"})).exit_code, 0);
  Surroundings small;
  small.largest_file = 20000;  // the caches are there; a checkpoint does not fit
  expect_error(run_attend(toys.training("run", {"--epochs", "1"}), small), 2, ".safetensors");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(toys.folder / "run")) {
    EXPECT_NE(entry.path().extension(), ".safetensors") << "nothing half-written";
  }
}

TEST(EvalProgram, ScoresAFileOfCaptionsAsATable) {
  const Toys toys;
  std::string rows;
  for (int i = 16; i < 20; ++i) {
    rows += "toy" + std::to_string(i) + ".png\tThere is a " + (i % 2 == 0 ? "red" : "blue") + " toy\n";
  }
  const Outcome outcome = run_attend(toys.evaluation({"--captions", toys.folder.file("captions.txt", rows)}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  const std::vector<std::string> lines = lines_of(outcome.out);
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(lines[0], "images         4");
  EXPECT_EQ(lines[1], "BLEU-1    100.00");
  EXPECT_EQ(lines[4], "BLEU-4    100.00");
  EXPECT_EQ(lines[5], "ROUGE-L   100.00");
  EXPECT_THAT(lines[6], HasSubstr("CIDEr-D   "));
}

TEST(EvalProgram, WhatItWritesItCanRead) {
  const Toys toys;
  const std::string model = toys.folder / "model.safetensors", captions = toys.folder / "captions.jsonl";
  ASSERT_EQ(run_attend(toys.training("run", {"--epochs", "3", "--lr", "0.01", "--out", model})).exit_code, 0);
  const Outcome first = run_attend(toys.evaluation({"--model", model, "--write", captions, "--beam", "2"}));
  ASSERT_EQ(first.exit_code, 0) << first.err;
  const Outcome second = run_attend(toys.evaluation({"--captions", captions}));
  EXPECT_EQ(second.out, first.out);
  expect_error(run_attend(toys.evaluation({"--model", model, "--length-exponent", "-5"})), 1,
               "eval: --length-exponent is -5");
}

TEST(EvalProgram, WhatWasCaptionedBeforeAFailureIsWritten) {
  const Toys toys;
  const std::string model = toys.folder / "model.safetensors", captions = toys.folder / "captions.jsonl";
  ASSERT_EQ(run_attend(toys.training("run", {"--epochs", "1", "--out", model})).exit_code, 0);
  const std::string third = toys.folder / "toys/images/toy18.png";
  std::ofstream(third) << "no photo";
  const Outcome outcome = run_attend(toys.evaluation({"--model", model, "--write", captions}));
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(lines_of(outcome.err),
              ElementsAre(HasSubstr(third + ": "),
                          "attend: " + captions + ": has the captions of the first 2 of 4 photos"));
  std::stringstream written;
  written << std::ifstream(captions).rdbuf();
  EXPECT_THAT(lines_of(written.str()), ElementsAre(HasSubstr("toy16.png"), HasSubstr("toy17.png")));
  std::filesystem::remove(third);
  const std::string unwritten = toys.folder / "none.jsonl";
  expect_error(run_attend(toys.evaluation({"--model", model, "--write", unwritten})), 2,
               third + ": No such file or directory");
  EXPECT_FALSE(std::filesystem::exists(unwritten));
}

TEST(EvalProgram, NeitherTheReferencesNorStandardOutputAreOverwritten) {
  const Toys toys;
  const std::string references = toys.folder / "toys/captions.tsv";
  const auto size = std::filesystem::file_size(references);
  expect_error(run_attend(toys.evaluation({"--write", toys.folder / "toys/images/../captions.tsv"})), 1,
               "eval: --write: ");
  EXPECT_EQ(std::filesystem::file_size(references), size);
  // The tests capture standard output in a file.
  expect_error(run_attend(toys.evaluation({"--write", "/dev/stdout"})), 2,
               "/dev/stdout: cannot write: it is where standard output or standard error goes");
}

TEST(EvalProgram, AMissingCaptionAnEmptySplitAndAFullDiskAreErrors) {
  const Toys toys;
  const std::string one = toys.folder.file("one.txt", "toy16.png\ta toy\n");
  expect_error(run_attend(toys.evaluation({"--captions", one})), 2, one + ": ");
  expect_error(run_attend(toys.evaluation({"--captions", one})), 2, "toy17.png");
  expect_error(run_attend(toys.evaluation({"--captions", one, "--split", "some"})), 1,
               "--split: \"some\" is none of train|val|test");
  expect_error(run_attend(toys.evaluation({"--captions", one, "--model", one})), 1, "--captions");
  expect_error(run_attend(toys.evaluation({"--model", one})), 2, "one.txt");
  expect_error(run_attend(toys.evaluation({"--captions", toys.folder.path()})), 2, "not a regular file");
  std::filesystem::create_directories(toys.folder / "only/images");
  toys.folder.file("only/captions.tsv", "a.png\ttrain\t0\tA toy\n");
  expect_error(run_attend({"eval", "--data", toys.folder / "only", "--captions", one}), 2, "split test");
  std::string all;
  for (int i = 16; i < 20; ++i) all += "toy" + std::to_string(i) + ".png\ta toy\n";
  Surroundings full;
  full.output = Surroundings::Output::kFullDisk;
  EXPECT_EQ(run_attend(toys.evaluation({"--captions", toys.folder.file("all.txt", all)}), full).exit_code, 2);
}

TEST(EvalProgram, OptionsAreCheckedBeforeAnythingIsRead) {
  const Toys toys;
  const auto refused = [&](const char* option, const char* value, const std::string& words) {
    expect_error(run_attend(toys.evaluation({option, value})), 1, words);
  };
  for (const char* threads : {"99999", "-1"})
    refused("--threads", threads, "is not a whole number from 0 to 1024");
  for (const char* beam : {"0", "101", ""}) refused("--beam", beam, "is not a whole number from 1 to 100");
  refused("--length-exponent", "nan", "is not a number from -10 to 10");
  for (const char* path : {"--data", "--model", "--captions", "--write"})
    expect_error(run_attend({"eval", path, ""}), 1, std::string(path) + ": must not be empty");
  EXPECT_THAT(run_attend({"eval", "--help"}).out, HasSubstr("`attend pull`"));
}

TEST(EvalProgram, AFileThatCannotBeWrittenIsToldBeforeTheWork) {
  const Toys toys;
  const std::string nowhere = toys.folder / "nowhere/captions.jsonl", none = toys.folder / "no.safetensors";
  expect_error(run_attend(toys.evaluation({"--write", nowhere, "--model", none})), 2,
               nowhere + ": cannot write");
}

}  // namespace
}  // namespace attend
