#include "training/training_log.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "cli/temporary_folder.h"

namespace attend {
namespace {

const RunTerms kTerms = {"sentences", "bleu", "val_loss", "BLEU"};

LogRow steps_row(int64_t step, int64_t epoch) {
  LogRow row;
  row.step = step;
  row.epoch = epoch;
  row.loss = 3.25;
  row.learning_rate = 1e-4;
  row.gradient_norm = 0.5;
  row.examples_per_second = 201.5;
  return row;
}

LogRow validation_row(int64_t step, int64_t epoch) {
  LogRow row;
  row.step = step;
  row.epoch = epoch;
  row.set = "toys";
  row.score = 0.625;
  row.second = 0.25;
  return row;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(TrainingLog, RowsAreReadBackAndThoseThatAKilledRunWillRepeatAreDropped) {
  const TemporaryFolder folder;
  {
    TrainingLog log = TrainingLog::open(folder / "log.tsv", kTerms, -1, 0).value();
    for (const LogRow& row : {steps_row(20, 1), validation_row(20, 1), steps_row(40, 2),
                              validation_row(40, 2), steps_row(60, 3)}) {
      ASSERT_TRUE(log.add(row).ok());
    }
  }
  const TrainingLog log = TrainingLog::open(folder / "log.tsv", kTerms, 40, 1).value();
  ASSERT_EQ(log.rows().size(), 3u);
  EXPECT_EQ(log.rows()[0].loss, 3.25);
  EXPECT_EQ(log.rows()[0].learning_rate, 1e-4);
  EXPECT_EQ(log.rows()[0].examples_per_second, 201.5);
  EXPECT_EQ(log.rows()[1].set, "toys");
  EXPECT_EQ(log.rows()[1].score, 0.625);
  EXPECT_EQ(log.rows()[2].step, 40);
  EXPECT_EQ(contents(folder / "log.tsv").find("60\t3"), std::string::npos);
}

TEST(TrainingLog, ALogWithOtherNamesInItsFirstLineGoesOnWithOurs) {
  const TemporaryFolder folder;
  {
    TrainingLog log = TrainingLog::open(folder / "log.tsv", {"sentences", "bleu", "loss", ""}, -1, 0).value();
    ASSERT_TRUE(log.add(validation_row(20, 1)).ok());
  }
  const std::string before = contents(folder / "log.tsv");
  EXPECT_EQ(TrainingLog::open(folder / "log.tsv", kTerms, 20, 1).value().rows().size(), 1u);
  const std::string after = contents(folder / "log.tsv");
  EXPECT_NE(after.find("\tbleu\tval_loss\n"), std::string::npos);
  EXPECT_EQ(after.substr(after.find('\n')), before.substr(before.find('\n')));
}

TEST(TrainingLog, EveryLineHasAsManyFieldsAsTheFirst) {
  const TemporaryFolder folder;
  TrainingLog log = TrainingLog::open(folder / "log.tsv", kTerms, -1, 0).value();
  ASSERT_TRUE(log.add(steps_row(1, 1)).ok());
  ASSERT_TRUE(log.add(validation_row(1, 1)).ok());
  std::ifstream file(folder / "log.tsv");
  EXPECT_EQ(contents(folder / "log.tsv")
                .find("step\tepoch\tloss\tlearning_rate\tgradient_norm\t"
                      "sentences_per_second\treward\tset\tbleu\tval_loss\n"),
            0u);
  int lines = 0;
  for (std::string line; std::getline(file, line); ++lines)
    EXPECT_EQ(std::count(line.begin(), line.end(), '\t'), 9);
  EXPECT_EQ(lines, 3);
}

TEST(TrainingLog, LinesThatAreNoRowsAreDropped) {
  const TemporaryFolder folder;
  {
    TrainingLog log = TrainingLog::open(folder / "log.tsv", kTerms, -1, 0).value();
    ASSERT_TRUE(log.add(steps_row(5, 1)).ok());
  }
  const std::string whole = contents(folder / "log.tsv");
  for (const char* damage : {"40\t2\t3.", "40\t2\tx\t\t\t\t\t\t\t\n", "\n", "\n\n40\t2\t3.5\n"}) {
    folder.file("log.tsv", whole + damage);
    EXPECT_EQ(TrainingLog::open(folder / "log.tsv", kTerms, 100, 9).value().rows().size(), 1u) << damage;
    EXPECT_EQ(contents(folder / "log.tsv"), whole) << damage;
  }
  for (const char* nothing : {"", "step", "step\n", "\n"}) {
    folder.file("log.tsv", nothing);
    EXPECT_TRUE(TrainingLog::open(folder / "log.tsv", kTerms, 100, 9).value().rows().empty());
  }
}

TEST(TrainingLog, TheNameOfASetStaysInItsField) {
  const TemporaryFolder folder;
  {
    TrainingLog log = TrainingLog::open(folder / "log.tsv", kTerms, -1, 0).value();
    LogRow row = validation_row(5, 1);
    row.set = "a\tb\nc\rd";
    ASSERT_TRUE(log.add(row).ok());
    EXPECT_EQ(log.rows()[0].set, "a b c d");
  }
  const TrainingLog log = TrainingLog::open(folder / "log.tsv", kTerms, 5, 1).value();
  ASSERT_EQ(log.rows().size(), 1u);
  EXPECT_EQ(log.rows()[0].set, "a b c d");
}

TEST(TrainingLog, ASecondScoreThatThereIsNotIsAnEmptyField) {
  const TemporaryFolder folder;
  {
    TrainingLog log = TrainingLog::open(folder / "log.tsv", kTerms, -1, 0).value();
    LogRow row = validation_row(5, 1);
    row.second.reset();
    ASSERT_TRUE(log.add(row).ok());
  }
  EXPECT_NE(contents(folder / "log.tsv").find("\ttoys\t0.625000\t\n"), std::string::npos);
  const TrainingLog log = TrainingLog::open(folder / "log.tsv", kTerms, 5, 1).value();
  ASSERT_EQ(log.rows().size(), 1u);
  EXPECT_FALSE(log.rows()[0].second.has_value());
}

TEST(TrainingLog, AFolderThatIsNotThereIsAnError) {
  const TemporaryFolder folder;
  EXPECT_FALSE(TrainingLog::open(folder / "no/log.tsv", kTerms, -1, 0).ok());
}

}  // namespace
}  // namespace attend
