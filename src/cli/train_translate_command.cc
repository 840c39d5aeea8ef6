#include "cli/train_translate_command.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "base/mapped_file.h"
#include "cli/note_option.h"
#include "cli/output_file.h"
#include "cli/stop_signals.h"
#include "cli/threads_option.h"
#include "cli/train_progress.h"
#include "cli/train_translate_arguments.h"
#include "training/recorded_recipe.h"
#include "training/trainer.h"
#include "training/translation_learner.h"
#include "training/translation_recipe.h"
#include "translation/translation_file.h"
#include "translation/translator.h"

namespace attend {
namespace {

/// Writes the model file whenever a better model is found.
class TranslationExporter : public TrainProgress {
 public:
  TranslationExporter(std::string path, TranslationModelToWrite parts)
      : TrainProgress("sentences"), path_(std::move(path)), parts_(parts) {}

  Status validated(const EpochReport& report) override {
    ATTEND_RETURN_IF_ERROR(TrainProgress::validated(report));
    return report.best ? write() : Status();
  }
  Status write() const { return path_.empty() ? Status() : save_translation_model(path_, parts_); }

 private:
  std::string path_;
  TranslationModelToWrite parts_;
};

/// The pieces of the run, of a file, or learned from the text that is to be translated.
Result<SentencePieces> pieces_for(const TrainTranslateArguments& arguments, const ParallelText& train) {
  if (!arguments.pieces_file.empty()) {
    const Result<MappedFile> file = MappedFile::open(arguments.pieces_file);
    if (!file.ok()) return file.status();
    return SentencePieces::parse(file.value().bytes(), arguments.pieces_file);
  }
  std::vector<std::string> both = train.source;
  both.insert(both.end(), train.target.begin(), train.target.end());
  return SentencePieces::train(both, arguments.pieces);
}

Result<TranslationSet> make_set(const TrainTranslateArguments& arguments) {
  const TranslationRecipe& recipe = arguments.recipe;
  const Result<ParallelText> train =
      read_parallel_text(arguments.data, "train", recipe.source, recipe.target);
  if (!train.ok()) return train.status();
  Result<ParallelText> val = read_parallel_text(arguments.data, "val", recipe.source, recipe.target);
  if (!val.ok()) return val.status();
  Result<SentencePieces> pieces = pieces_for(arguments, train.value());
  if (!pieces.ok()) return pieces.status();
  std::vector<SentencePair> pairs = encode_pairs(train.value(), pieces.value(), recipe.model.max_length - 1);
  return TranslationSet{std::move(pieces).value(), std::move(pairs), std::move(val).value()};
}

Result<Trainer::Outcome> learn(const TrainTranslateArguments& arguments, const TranslationSet& set,
                               Executor& executor) {
  const TranslationRecipe& recipe = arguments.recipe;
  const std::string description = describe(recipe, set);
  ATTEND_RETURN_IF_ERROR(record_recipe(arguments.run + "/recipe.json", description));
  TranslationModel<float> model(shape_of(recipe.model, set.pieces.size()));
  TranslationLearner learner(model, {set.pairs, &set.validation, &set.pieces}, recipe.learning, executor);
  const TranslationConfig config{recipe.source, recipe.target, model.shape(), translation_defaults()};
  ATTEND_RETURN_IF_ERROR(check(config));
  ModelNotes notes = arguments.notes;
  notes.emplace(kRecipeNote, description);
  TranslationExporter exporter(arguments.out, {model, config, set.pieces, notes});
  Trainer trainer(learner, recipe.learning, description, arguments.run);
  const Result<Trainer::Outcome> outcome = trainer.run(exporter);
  if (outcome.ok() && outcome.value() == Trainer::Outcome::kFinished)
    ATTEND_RETURN_IF_ERROR(exporter.write());
  return outcome;
}

int train(const TrainTranslateArguments& arguments) {
  hold_stop_signals();
  if (Status status = check(arguments.recipe); !status.ok()) return fail(status.message(), kUsageError);
  if (Status status = make_run_folder(arguments.run); !status.ok())
    return fail(status.message(), kSomeFailed);
  if (Status status = can_write(arguments.out); !status.ok()) return fail(status.message(), kSomeFailed);
  const std::unique_ptr<Executor> executor = make_executor(arguments.threads);
  const Result<TranslationSet> set = make_set(arguments);
  if (!set.ok()) return fail(set.status().message(), kSomeFailed);
  const Result<Trainer::Outcome> outcome = learn(arguments, set.value(), *executor);
  if (!outcome.ok()) return fail(outcome.status().message(), kSomeFailed);
  return outcome.value() == Trainer::Outcome::kFinished ? static_cast<int>(kDone) : stopped_exit_code();
}

}  // namespace

Command train_translate_command(CLI::App& program) {
  CLI::App* options =
      program.add_subcommand("train-translate", "Learn to translate from sentences and their translations");
  const auto arguments = std::make_shared<TrainTranslateArguments>();
  add_train_translate_options(*options, *arguments);
  options->footer(
      "A run that was stopped, by SIGINT (exit code 130) or SIGTERM (143), goes on when the same command is "
      "given again.");
  return {options, [arguments] { return train(*arguments); }};
}

}  // namespace attend
