// The course of a training run as a table that any plotting program reads.
#ifndef ATTEND_TRAINING_TRAINING_LOG_H_
#define ATTEND_TRAINING_TRAINING_LOG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attend/status.h"
#include "training/learner.h"

namespace attend {

/// A row: of some training steps (no set), or of a validation (a set).
struct LogRow {
  int64_t step = 0;          // steps done in all
  int64_t epoch = 0;         // from 1
  double loss = 0;           // nats a word, smoothed, over the steps since the row before; training only
  double learning_rate = 0;  // training only
  double gradient_norm = 0;  // training only
  double examples_per_second = 0;  // training only
  double reward = 0;               // mean CIDEr-D of the samples; self-critical training only
  std::string set;                 // validation only: its name
  double score = 0;                // validation only
  std::optional<double> second;    // validation only
};

/// Tab-separated, one line of names and then one a row; numbers that a row does not have are left empty.
class TrainingLog {
 public:
  /// Columns are called as `terms` says. Goes on with the file at `path` after `step` steps and `epochs`
  /// validations, dropping the rows past them and lines that are no rows, or begins it. Errors: kIo.
  static Result<TrainingLog> open(const std::string& path, const RunTerms& terms, int64_t step,
                                  int64_t epochs);

  /// Adds a row, here and in the file; tabs and line ends in its set's name become spaces. Errors: kIo.
  Status add(const LogRow& row);
  const std::vector<LogRow>& rows() const { return rows_; }

 private:
  explicit TrainingLog(std::string path) : path_(std::move(path)) {}
  std::string path_;
  std::vector<LogRow> rows_;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_TRAINING_LOG_H_
