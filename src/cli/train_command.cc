#include "cli/train_command.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "captioner/model_file.h"
#include "cli/note_option.h"
#include "cli/output_file.h"
#include "cli/stop_signals.h"
#include "cli/threads_option.h"
#include "cli/train_arguments.h"
#include "cli/train_progress.h"
#include "training/caption_learner.h"
#include "training/recorded_recipe.h"
#include "training/trainer.h"
#include "training/training_set.h"

namespace attend {
namespace {

/// Writes the model file whenever a better model is found.
class Exporter : public TrainProgress {
 public:
  Exporter(std::string path, ModelToWrite parts) : path_(std::move(path)), parts_(parts) {}

  Status validated(const EpochReport& report) override {
    ATTEND_RETURN_IF_ERROR(TrainProgress::validated(report));
    return report.best ? write() : Status();
  }
  Status write() const { return path_.empty() ? Status() : save_model(path_, parts_); }

 private:
  std::string path_;
  ModelToWrite parts_;
};

Result<Trainer::Outcome> learn(const TrainArguments& arguments, const Safetensors& encoder,
                               const TrainingSet& set, Executor& executor) {
  const TrainingRecipe& recipe = arguments.recipe;
  const std::string description = describe(recipe, set);
  ATTEND_RETURN_IF_ERROR(record_recipe(arguments.run + "/recipe.json", description));

  CaptionModel<float> model(shape_of(recipe.model, set));
  const ModelConfig config{recipe.set.squares, model.shape(), recipe.learning.generation};
  ATTEND_RETURN_IF_ERROR(check(config));
  ModelNotes notes = arguments.notes;
  notes.emplace(kRecipeNote, description);
  Exporter exporter(arguments.out, ModelToWrite{model, config, set.vocabulary, encoder, notes});
  CaptionLearner learner(model, {set.photos, set.validation, &set.vocabulary}, recipe.learning, executor);
  Trainer trainer(learner, recipe.learning, description, arguments.run);
  const Result<Trainer::Outcome> outcome = trainer.run(exporter);
  if (outcome.ok() && outcome.value() == Trainer::Outcome::kFinished)
    ATTEND_RETURN_IF_ERROR(exporter.write());
  return outcome;
}

int train(TrainArguments& arguments) {
  hold_stop_signals();
  TrainingRecipe& recipe = arguments.recipe;
  if (arguments.self_critical) recipe.learning.self_critical = arguments.samples;
  if (recipe.set.cache.empty()) recipe.set.cache = arguments.run + "/cache";
  if (Status status = check(recipe); !status.ok()) return fail(status.message(), kUsageError);
  if (Status status = make_run_folder(arguments.run); !status.ok())
    return fail(status.message(), kSomeFailed);
  if (Status status = can_write(arguments.out); !status.ok()) return fail(status.message(), kSomeFailed);
  const std::unique_ptr<Executor> executor = make_executor(arguments.threads);

  const Result<Safetensors> encoder = Safetensors::open(arguments.encoder);
  if (!encoder.ok()) return fail(encoder.status().message(), kSomeFailed);
  TrainProgress progress;
  const Result<TrainingSet> set =
      make_training_set(recipe.set, encoder.value(), *executor,
                        [&progress](int64_t done, int64_t total) { progress.encoded(done, total); });
  if (!set.ok()) return fail(set.status().message(), kSomeFailed);
  if (recipe.learning.epochs == 0 && recipe.learning.start.empty()) return kDone;
  const Result<Trainer::Outcome> outcome = learn(arguments, encoder.value(), set.value(), *executor);
  if (!outcome.ok()) return fail(outcome.status().message(), kSomeFailed);
  return outcome.value() == Trainer::Outcome::kFinished ? static_cast<int>(kDone) : stopped_exit_code();
}

}  // namespace

Command train_command(CLI::App& program) {
  CLI::App* options = program.add_subcommand("train", "Learn a captioning model from captioned photographs");
  const auto arguments = std::make_shared<TrainArguments>();
  add_train_options(*options, *arguments);
  options->footer(
      "A run that was stopped, by SIGINT (exit code 130) or SIGTERM (143), goes on when the same command is "
      "given again.");
  return {options, [arguments] { return train(*arguments); }};
}

}  // namespace attend
