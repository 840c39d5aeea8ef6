// What training says while it runs: a bar on a terminal, a line now and then elsewhere; always on standard
// error.
#ifndef ATTEND_CLI_TRAIN_PROGRESS_H_
#define ATTEND_CLI_TRAIN_PROGRESS_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "cli/progress_bar.h"
#include "training/trainer.h"

namespace attend {

class TrainProgress : public TrainingObserver {
 public:
  /// `examples` are what a step learns from: "captions", "sentences".
  explicit TrainProgress(std::string examples = "captions");

  /// Of the features that are computed before training. A stop signal ends the program here.
  void encoded(int64_t photos, int64_t total);

  void stepped(const StepReport& report) override;
  Status validated(const EpochReport& report) override;
  /// A stop signal asks for the end; a second one ends the program at once.
  bool should_stop() override;

 private:
  using Clock = std::chrono::steady_clock;
  /// A new bar when `total` is another than that of the last.
  void show(int64_t done, int64_t total, const char* unit, const std::string& note);

  const std::string examples_;
  const bool terminal_;
  std::optional<ProgressBar> bar_;
  int64_t total_ = -1, first_ = 0;
  Clock::time_point began_, next_line_;
};

}  // namespace attend

#endif  // ATTEND_CLI_TRAIN_PROGRESS_H_
