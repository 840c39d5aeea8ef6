// What the commands that train have in common: where a run keeps its files, how it begins, goes and ends.
#ifndef ATTEND_CLI_TRAINING_RUN_H_
#define ATTEND_CLI_TRAINING_RUN_H_

#include <functional>
#include <string>

#include "attend/executor.h"
#include "attend/status.h"
#include "model/model_tensors.h"
#include "training/trainer.h"

namespace CLI {
class App;
}

namespace attend {

/// What a run is asked for that its outcome does not depend on.
struct TrainingRun {
  std::string folder;  // checkpoints, log, curve
  std::string out;     // the model file; empty for none
  ModelNotes notes;    // in that file
  int threads = 0;
};

/// A subcommand whose help tells how a run goes on.
CLI::App* add_training_command(CLI::App& program, const char* name, const char* meaning);

/// Runs `learn` unless `choices` is an error, or the files of the run cannot be written; the run's folder is
/// made where `options` ask for something to be learned. SIGINT and SIGTERM end the program until train() is
/// called, and from then on stop it between two steps. Returns the exit code of the command.
int run_training(const Status& choices, const RunOptions& options, const TrainingRun& run,
                 const std::function<Result<Trainer::Outcome>(Executor&)>& learn);

/// The notes of the run's model file, with the recipe among them.
ModelNotes notes_of(const TrainingRun& run, const std::string& recipe);

/// Trains, and says so on standard error. `save` writes the model to run.out, whenever a better one was found
/// and at the end. Errors: the trainer's, save()'s.
Result<Trainer::Outcome> train(Learner& learner, const RunOptions& options, const TrainingRun& run,
                               const std::string& recipe, const std::function<Status()>& save);

}  // namespace attend

#endif  // ATTEND_CLI_TRAINING_RUN_H_
