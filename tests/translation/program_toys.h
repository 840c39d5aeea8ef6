// Toy sentences for tests of the commands that translate and learn to.
#ifndef ATTEND_TESTS_TRANSLATION_PROGRAM_TOYS_H_
#define ATTEND_TESTS_TRANSLATION_PROGRAM_TOYS_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "cli/temporary_folder.h"
#include "end_to_end/program.h"
#include "translation/file_testing.h"

namespace attend::testing {

inline std::string contents(const std::string& path) {
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

/// A usage error: exit code 1, and one line on standard error that ends with `words`.
inline void expect_refused(const std::vector<std::string>& arguments, const std::string& words) {
  const Outcome outcome = run_attend(arguments);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_THAT(lines_of(outcome.err), ::testing::ElementsAre(::testing::HasSubstr(words)));
}

}  // namespace attend::testing

#endif  // ATTEND_TESTS_TRANSLATION_PROGRAM_TOYS_H_
