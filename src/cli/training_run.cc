#include "cli/training_run.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "cli/command.h"
#include "cli/note_option.h"
#include "cli/output_file.h"
#include "cli/stop_signals.h"
#include "cli/threads_option.h"
#include "cli/train_progress.h"

namespace attend {
namespace {

/// Writes the model file whenever a better model is found.
class Exporter : public TrainProgress {
 public:
  Exporter(std::string examples, const std::function<Status()>& save)
      : TrainProgress(std::move(examples)), save_(save) {}

  Status validated(const EpochReport& report) override {
    ATTEND_RETURN_IF_ERROR(TrainProgress::validated(report));
    return report.best ? save_() : Status();
  }

 private:
  const std::function<Status()>& save_;
};

/// Makes the folder, unless it is there, and sees whether files can be written in it.
Status make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return {StatusCode::kIo, path + ": cannot make the folder: " + error.message()};
  return can_write(path + "/recipe.json");
}

Status prepare(const RunOptions& options, const TrainingRun& run) {
  ATTEND_RETURN_IF_ERROR(can_write(run.out));
  const bool learns = options.epochs > 0 || !options.start.empty();
  return learns ? make_folder(run.folder) : Status();
}

}  // namespace

CLI::App* add_training_command(CLI::App& program, const char* name, const char* meaning) {
  CLI::App* command = program.add_subcommand(name, meaning);
  command->footer(
      "A run that was stopped, by SIGINT (exit code 130) or SIGTERM (143), goes on when the same command is "
      "given again.");
  return command;
}

int run_training(const Status& choices, const RunOptions& options, const TrainingRun& run,
                 const std::function<Result<Trainer::Outcome>(Executor&)>& learn) {
  watch_for_stop_signals();
  if (!choices.ok()) return fail(choices.message(), kUsageError);
  if (Status status = prepare(options, run); !status.ok()) return fail(status.message(), kSomeFailed);
  const std::unique_ptr<Executor> executor = make_executor(run.threads);
  const Result<Trainer::Outcome> outcome = learn(*executor);
  if (!outcome.ok()) return fail(outcome.status().message(), kSomeFailed);
  return outcome.value() == Trainer::Outcome::kFinished ? static_cast<int>(kDone) : stopped_exit_code();
}

ModelNotes notes_of(const TrainingRun& run, const std::string& recipe) {
  ModelNotes notes = run.notes;
  notes.emplace(kRecipeNote, recipe);
  return notes;
}

Result<Trainer::Outcome> train(Learner& learner, const RunOptions& options, const TrainingRun& run,
                               const std::string& recipe, const std::function<Status()>& save) {
  const std::function<Status()> save_or_not = [&] { return run.out.empty() ? Status() : save(); };
  Exporter exporter(learner.terms().examples, save_or_not);
  Trainer trainer(learner, options, recipe, run.folder);
  hold_stop_signals();
  const Result<Trainer::Outcome> outcome = trainer.run(exporter);
  if (outcome.ok() && outcome.value() == Trainer::Outcome::kFinished) ATTEND_RETURN_IF_ERROR(save_or_not());
  return outcome;
}

}  // namespace attend
