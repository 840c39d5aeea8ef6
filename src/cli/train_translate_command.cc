#include "cli/train_translate_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>

#include "base/mapped_file.h"
#include "cli/train_translate_arguments.h"
#include "training/translation_learner.h"
#include "training/translation_recipe.h"
#include "translation/translation_file.h"
#include "translation/translator.h"

namespace attend {
namespace {

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

/// Errors: kInvalidArgument where nothing is left to learn from.
Status tell_left_out(const EncodedPairs& encoded, int64_t most) {
  const int64_t left_out = encoded.empty + encoded.too_long;
  const std::string why = fmt::format("{} with an empty side and {} of more than {} pieces (--longest)",
                                      encoded.empty, encoded.too_long, most);
  if (encoded.pairs.empty()) {
    return {StatusCode::kInvalidArgument,
            fmt::format("no pair of train sentences to learn from: there are {}", why)};
  }
  if (left_out > 0) fail(fmt::format("{} pairs of train sentences are left out: {}", left_out, why), kDone);
  return {};
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
  EncodedPairs encoded = encode_pairs(train.value(), pieces.value(), recipe.model.max_length - 1);
  ATTEND_RETURN_IF_ERROR(tell_left_out(encoded, recipe.model.max_length - 1));
  return TranslationSet{std::move(pieces).value(), std::move(encoded.pairs), std::move(val).value()};
}

Result<Trainer::Outcome> learn(const TrainTranslateArguments& arguments, Executor& executor) {
  const TranslationRecipe& recipe = arguments.recipe;
  const Result<TranslationSet> made = make_set(arguments);
  if (!made.ok()) return made.status();
  const TranslationSet& set = made.value();
  const std::string description = describe(recipe, set);
  TranslationModel<float> model(shape_of(recipe.model, set.pieces.size()));
  const TranslationConfig config{recipe.source, recipe.target, model.shape(), translation_defaults()};
  ATTEND_RETURN_IF_ERROR(check(config));
  const ModelNotes notes = notes_of(arguments.run, description);
  TranslationLearner learner(model, {set.pairs, &set.validation, &set.pieces}, recipe.learning, executor);
  return train(learner, recipe.learning, arguments.run, description, [&] {
    return save_translation_model(arguments.run.out, {model, config, set.pieces, notes});
  });
}

}  // namespace

Command train_translate_command(CLI::App& program) {
  CLI::App* options = add_training_command(program, "train-translate",
                                           "Learn to translate from sentences and their translations");
  const auto arguments = std::make_shared<TrainTranslateArguments>();
  add_train_translate_options(*options, *arguments);
  return {options, [arguments] {
            return run_training(check(arguments->recipe), arguments->recipe.learning, arguments->run,
                                [&](Executor& executor) { return learn(*arguments, executor); });
          }};
}

}  // namespace attend
