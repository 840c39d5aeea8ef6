#include "cli/train_command.h"

#include <omp.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "captioner/model_file.h"
#include "cli/stop_signals.h"
#include "cli/train_progress.h"
#include "training/trainer.h"
#include "training/training_recipe.h"
#include "training/training_set.h"

namespace attend {
namespace {

constexpr int kStopped = 130;  // what shells say of a program that an interrupt ended

struct TrainArguments {
  TrainingRecipe recipe;
  std::string encoder, run, out;
  int threads = 0;
  bool self_critical = false;
  SelfCriticalOptions samples;
};

void add_data_options(CLI::App& command, TrainArguments& arguments) {
  TrainingSetOptions& set = arguments.recipe.set;
  command
      .add_option("--data", set.data, "A folder with captions.tsv and images/; may be given several times")
      ->required()
      ->check(CLI::ExistingDirectory);
  command.add_option("--encoder", arguments.encoder, "Weights of the photo encoder, safetensors")
      ->required()
      ->check(CLI::ExistingFile);
  command.add_option("--run", arguments.run, "The folder of this run: checkpoints, log, curve")->required();
  command.add_option("--out", arguments.out, "The model file, written whenever a better model is found");
  command.add_option("--cache", set.cache,
                     "The folder where photo features are kept; RUN/cache unless given");
  command
      .add_option("--squash-side", set.squares.squash_side,
                  "Photos are first squashed to a square of so many pixels a side")
      ->capture_default_str();
  command
      .add_option("--input-side", set.squares.input_side,
                  "The encoder sees a square of so many pixels a side")
      ->capture_default_str();
  command.add_option("--min-count", set.min_count, "How often a word must come up to be learned")
      ->capture_default_str();
}

void add_model_options(CLI::App& command, ModelOptions& model) {
  command.add_option("--width", model.width, "Width of the model")->capture_default_str();
  command.add_option("--heads", model.heads, "Attention heads")->capture_default_str();
  command.add_option("--hidden", model.hidden, "Width of the feed-forward networks")->capture_default_str();
  command.add_option("--layers", model.layers, "Blocks of the text decoder")->capture_default_str();
  command.add_option("--encoder-layers", model.encoder_layers, "Blocks over the patches")
      ->capture_default_str();
  command.add_option("--dropout", model.dropout, "Dropout after each sublayer")->capture_default_str();
  command.add_option("--embedding-dropout", model.embedding_dropout, "Dropout of word embeddings")
      ->capture_default_str();
  command.add_option("--feature-dropout", model.feature_dropout, "Dropout of patch features")
      ->capture_default_str();
}

void add_learning_options(CLI::App& command, LearningOptions& learning) {
  command.add_option("--epochs", learning.epochs, "Passes over the photos; 0 only computes features")
      ->capture_default_str();
  command.add_option("--batch", learning.photos_per_batch, "Photos a step, each with all its captions")
      ->capture_default_str();
  command.add_option("--lr", learning.rate, "Highest learning rate")->capture_default_str();
  command.add_option("--last-lr", learning.last_rate, "Learning rate at the end")->capture_default_str();
  command.add_option("--warmup", learning.warmup, "Steps until the highest learning rate")
      ->capture_default_str();
  command.add_option("--label-smoothing", learning.label_smoothing, "Probability spread over all words")
      ->capture_default_str();
  command
      .add_option("--weight-decay", learning.adamw.weight_decay, "Decay of matrices, times the learning rate")
      ->capture_default_str();
  command.add_option("--beta2", learning.adamw.beta2, "AdamW's decay of squared gradients")
      ->capture_default_str();
  command.add_option("--clip", learning.adamw.clip, "Largest norm of the gradient; 0 for any")
      ->capture_default_str();
  command.add_option("--seed", learning.seed, "Of everything random")->capture_default_str();
  command
      .add_option("--patience", learning.patience,
                  "Stop after so many epochs without a better score; 0 never")
      ->capture_default_str();
  command.add_option("--average", learning.average, "How many of the best epochs are averaged at the end")
      ->capture_default_str();
  command.add_option("--beam", learning.generation.beam, "Beam of validation captions")
      ->capture_default_str();
  command.add_option("--save-every", learning.save_seconds, "Seconds between checkpoints")
      ->capture_default_str();
  const std::map<std::string, Precision> precisions = {{"float32", Precision::kFloat32},
                                                       {"bfloat16", Precision::kBFloat16}};
  command
      .add_option("--precision", learning.precision,
                  "Of matrix products while learning: bfloat16 is faster where the processor has it")
      ->transform(CLI::CheckedTransformer(precisions))
      ->default_str("float32");
  command.add_option("--start", learning.start, "Parameters to start from: another run's final.safetensors")
      ->check(CLI::ExistingFile);
}

void add_self_critical_options(CLI::App& command, TrainArguments& arguments) {
  command.add_flag("--self-critical", arguments.self_critical,
                   "Learn from the CIDEr-D of the model's own sentences; needs --start");
  using Source = SelfCriticalOptions::Source;
  const std::map<std::string, Source> sources = {{"chance", Source::kChance}, {"beam", Source::kBeam}};
  command
      .add_option("--samples-from", arguments.samples.source,
                  "Where the sentences of --self-critical come from: chance, or a beam search")
      ->transform(CLI::CheckedTransformer(sources))
      ->default_str("chance");
  command
      .add_option("--caption-share", arguments.recipe.learning.caption_share,
                  "The part of the loss that stays that of people's captions in --self-critical")
      ->capture_default_str();
  command.add_option("--samples", arguments.samples.samples, "Sentences drawn a photo by --self-critical")
      ->capture_default_str();
}

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
  std::error_code error;
  std::filesystem::create_directories(arguments.run, error);
  const std::string description = describe(recipe, set);
  ATTEND_RETURN_IF_ERROR(record_recipe(arguments.run + "/recipe.json", description));

  CaptionModel<float> model(shape_of(recipe.model, set));
  const ModelConfig config{recipe.set.squares, model.shape(), recipe.learning.generation};
  ATTEND_RETURN_IF_ERROR(check(config));
  const ModelNotes notes = {{"recipe", description}};
  Exporter exporter(arguments.out, ModelToWrite{model, config, set.vocabulary, encoder, notes});
  const TrainingTask task{set.photos, set.validation, &set.vocabulary, description};
  Trainer trainer(model, task, recipe.learning, arguments.run, executor);
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
  if (arguments.threads > 0) omp_set_num_threads(arguments.threads);
  const std::unique_ptr<Executor> executor = make_openmp_executor(arguments.threads);

  const Result<Safetensors> encoder = Safetensors::open(arguments.encoder);
  if (!encoder.ok()) return fail(encoder.status().message(), kSomeFailed);
  TrainProgress progress;
  const Result<TrainingSet> set =
      make_training_set(recipe.set, encoder.value(), *executor,
                        [&progress](int64_t done, int64_t total) { progress.encoded(done, total); });
  if (!set.ok()) return fail(set.status().message(), kSomeFailed);
  if (recipe.learning.epochs == 0) return kDone;
  const Result<Trainer::Outcome> outcome = learn(arguments, encoder.value(), set.value(), *executor);
  if (!outcome.ok()) return fail(outcome.status().message(), kSomeFailed);
  return outcome.value() == Trainer::Outcome::kFinished ? static_cast<int>(kDone) : kStopped;
}

}  // namespace

Command train_command(CLI::App& program) {
  CLI::App* options = program.add_subcommand("train", "Learn a captioning model from captioned photographs");
  const auto arguments = std::make_shared<TrainArguments>();
  add_data_options(*options, *arguments);
  add_model_options(*options, arguments->recipe.model);
  add_learning_options(*options, arguments->recipe.learning);
  add_self_critical_options(*options, *arguments);
  options->add_option("--threads", arguments->threads, "Threads; 0 for all")->capture_default_str();
  options->footer("A run that was stopped goes on when the same command is given again.");
  return {options, [arguments] { return train(*arguments); }};
}

}  // namespace attend
