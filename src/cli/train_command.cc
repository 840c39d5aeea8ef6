#include "cli/train_command.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "captioner/model_file.h"
#include "cli/train_arguments.h"
#include "cli/train_progress.h"
#include "training/caption_learner.h"
#include "training/training_set.h"

namespace attend {
namespace {

Result<Trainer::Outcome> learn(const TrainArguments& arguments, const Safetensors& encoder,
                               const TrainingSet& set, Executor& executor) {
  const CaptionRecipe& recipe = arguments.recipe;
  const std::string description = describe(recipe, set);
  CaptionModel<float> model(shape_of(recipe.model, set));
  const ModelConfig config{recipe.set.squares, model.shape(), recipe.learning.generation};
  ATTEND_RETURN_IF_ERROR(check(config));
  const ModelNotes notes = notes_of(arguments.run, description);
  CaptionLearner learner(model, {set.photos, set.validation, &set.vocabulary}, recipe.learning, executor);
  return train(learner, recipe.learning, arguments.run, description, [&] {
    return save_model(arguments.run.out, {model, config, set.vocabulary, encoder, notes});
  });
}

Result<Trainer::Outcome> learn_from_photos(const TrainArguments& arguments, Executor& executor) {
  const CaptionRecipe& recipe = arguments.recipe;
  const Result<Safetensors> encoder = Safetensors::open(arguments.encoder);
  if (!encoder.ok()) return encoder.status();
  TrainProgress progress;
  const Result<TrainingSet> set =
      make_training_set(recipe.set, encoder.value(), executor,
                        [&progress](int64_t done, int64_t total) { progress.encoded(done, total); });
  if (!set.ok()) return set.status();
  if (recipe.learning.epochs == 0 && recipe.learning.start.empty()) return Trainer::Outcome::kFinished;
  return learn(arguments, encoder.value(), set.value(), executor);
}

int run_command(TrainArguments& arguments) {
  CaptionRecipe& recipe = arguments.recipe;
  if (arguments.self_critical) recipe.learning.self_critical = arguments.samples;
  if (recipe.set.cache.empty()) recipe.set.cache = arguments.run.folder + "/cache";
  return run_training(check(recipe), recipe.learning, arguments.run,
                      [&](Executor& executor) { return learn_from_photos(arguments, executor); });
}

}  // namespace

Command train_command(CLI::App& program) {
  CLI::App* options =
      add_training_command(program, "train", "Learn a captioning model from captioned photographs");
  const auto arguments = std::make_shared<TrainArguments>();
  add_train_options(*options, *arguments);
  return {options, [arguments] { return run_command(*arguments); }};
}

}  // namespace attend
