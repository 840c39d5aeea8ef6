// Training a model: epochs of steps, a validation after each, and a folder that remembers all of it.
//
// The run folder holds
//   recipe.json              what the run was begun with, for people: the checkpoint holds it too
//   checkpoint.safetensors   parameters, moments and place: what a killed run goes on from
//   epochs/N.safetensors     parameters of the best epochs so far
//   final.safetensors        what came out: the best epoch, or the mean of the best ones where that is better
//   log.tsv, curve.svg       the course of the run
#ifndef ATTEND_TRAINING_TRAINER_H_
#define ATTEND_TRAINING_TRAINER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attend/status.h"
#include "training/learner.h"
#include "training/run_options.h"
#include "training/training_log.h"
#include "training/training_state.h"

namespace attend {

struct StepReport {
  int64_t epoch = 0, epochs = 0;  // epoch from 1
  int64_t step = 0, steps = 0;    // done, and in all
  double loss = 0;                // nats a word, mean over the last few steps
  double reward = 0;  // mean CIDEr-D of the samples over the last few steps; 0 unless self-critical
  double learning_rate = 0, gradient_norm = 0;
  double examples_per_second = 0;
  double seconds_left = 0;  // of steps; validation comes on top
};

struct EpochReport {
  int64_t epoch = 0;              // from 1; 0 for the parameters that training started from
  double loss = 0;                // nats a word over the epoch
  std::vector<SetScores> scores;  // of each validation set
  double score = 0;               // their mean; without any set, the epoch
  bool best = false;              // of all epochs until now
  bool averaged = false;          // these are the scores of the mean of the best epochs
};

/// Somebody who watches.
class TrainingObserver {
 public:
  virtual ~TrainingObserver() = default;
  virtual void stepped(const StepReport&) {}
  /// After each validation, while the model holds the parameters that were validated. An error ends the run.
  virtual Status validated(const EpochReport&) { return {}; }
  /// Asked after each step; when true, the run saves a checkpoint and returns.
  virtual bool should_stop() { return false; }
};

class Trainer {
 public:
  enum class Outcome { kFinished, kStopped };

  /// The learner is borrowed. `recipe`, as recipe_text() writes it, is all that the outcome depends on: a run
  /// only goes on with the same, once it has a checkpoint. `folder` is made when it does not exist.
  Trainer(Learner& learner, const RunOptions& options, std::string recipe, std::string folder);

  /// Begins, or goes on from the folder's checkpoint with the same parameters bit for bit (for the same
  /// number of threads) as if it had never stopped. When finished, the model holds final.safetensors. Errors:
  /// kIo when a file cannot be written (the previous checkpoint stays whole), those of load_training(),
  /// kInvalidArgument when the gradient is no longer a number, naming the step.
  Result<Outcome> run(TrainingObserver& observer);

 private:
  struct Window;
  Status begin(TrainingObserver& observer);
  Status check_progress() const;
  Result<Outcome> train_epoch(TrainingObserver& observer);
  Status take_step(Window& window, TrainingObserver& observer);
  StepReport report_of(const Window& window, const StepResult& result) const;
  Status judge(int64_t epoch, TrainingObserver& observer);
  Result<EpochReport> judged(int64_t epoch);
  Status keep(const EpochReport& report);
  Status conclude(TrainingObserver& observer);
  Status save();
  std::string epoch_file(int64_t epoch) const;
  int64_t total_steps() const { return learner_.batches() * options_.epochs; }

  Learner& learner_;
  RunOptions options_;
  std::string recipe_, folder_;
  std::optional<TrainingLog> log_;
  TrainingProgress progress_;
  double seconds_ = 0;  // spent in timed_steps_ steps by this process
  int64_t timed_steps_ = 0;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_TRAINER_H_
