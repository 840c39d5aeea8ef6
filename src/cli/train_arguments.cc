#include "cli/train_arguments.h"

#include <string>
#include <utility>
#include <vector>

#include "cli/checked_options.h"
#include "cli/learning_options.h"
#include "cli/note_option.h"
#include "cli/threads_option.h"
#include "language/generation.h"

namespace attend {
namespace {

void add_data_options(CLI::App& command, TrainArguments& arguments) {
  TrainingSetOptions& set = arguments.recipe.set;
  not_empty(command.add_option("--data", set.data,
                               "A folder with captions.tsv and images/; may be given several times"))
      ->required()
      ->check(CLI::ExistingDirectory);
  not_empty(command.add_option("--encoder", arguments.encoder, "Weights of the photo encoder, safetensors"))
      ->required()
      ->check(CLI::ExistingFile);
  add_run_options(command, arguments.run, arguments.out);
  add_note_option(command, arguments.notes);
  not_empty(command.add_option("--cache", set.cache,
                               "The folder where photo features are kept; RUN/cache unless given"));
  command
      .add_option("--squash-side", set.squares.squash_side,
                  "Photos are first squashed to a square of so many pixels a side")
      ->capture_default_str();
  command
      .add_option("--input-side", set.squares.input_side,
                  "The encoder sees a square of so many pixels a side")
      ->capture_default_str();
  command
      .add_option(
          "--crops", set.crops,
          "Random windows of each photo to learn from besides the whole; each takes as long to compute")
      ->capture_default_str();
  command.add_option("--min-count", set.min_count, "How often a word must come up to be learned")
      ->capture_default_str();
}

void add_model_options(CLI::App& command, ModelOptions& model) {
  command.add_option("--width", model.width, "Width of the model")->capture_default_str();
  command.add_option("--heads", model.heads, "Attention heads")->capture_default_str();
  command.add_option("--hidden", model.hidden, "Width of the feed-forward networks")->capture_default_str();
  command.add_option("--layers", model.layers, "Blocks of the text decoder")->capture_default_str();
  add_choice(command, "--attention", model.attention,
             std::vector<std::pair<std::string, MemoryAttentionKind>>(kMemoryAttentions.begin(),
                                                                      kMemoryAttentions.end()),
             "How words look at patches: multi-head attention, or one of the learned modules");
  command.add_option("--encoder-layers", model.encoder_layers, "Blocks over the patches")
      ->capture_default_str();
  command.add_option("--dropout", model.dropout, "Dropout after each sublayer")->capture_default_str();
  command.add_option("--embedding-dropout", model.embedding_dropout, "Dropout of word embeddings")
      ->capture_default_str();
  command.add_option("--feature-dropout", model.feature_dropout, "Dropout of patch features")
      ->capture_default_str();
}

void add_learning_options(CLI::App& command, LearningOptions& learning) {
  command
      .add_option("--epochs", learning.epochs,
                  "Passes over the photos; 0 only computes features, or judges what --start names")
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
      .add_option("--channel-dropout", learning.noise.channel_dropout,
                  "Channels of a photo's features that fall in all of its patches together")
      ->capture_default_str();
  command
      .add_option("--patch-dropout", learning.noise.patch_dropout, "Patches of a photo that fall as a whole")
      ->capture_default_str();
  add_optimiser_options(command, learning.adamw);
  add_epoch_options(command, learning);
  add_number(command, "--beam", learning.generation.beam, kOfferedBeams, "Beam of validation captions");
  add_number(command, "--length-exponent", learning.generation.length_exponent, kLengthExponents,
             "Sentences are ranked by log-probability / length^N; above 1 favours long ones");
  add_precision_option(command, learning.precision);
  add_start_option(command, learning);
}

void add_self_critical_options(CLI::App& command, TrainArguments& arguments) {
  CLI::Option* rewards =
      command.add_flag("--self-critical", arguments.self_critical,
                       "Learn from the CIDEr-D of the model's own sentences; needs --start");
  using Source = SelfCriticalOptions::Source;
  add_choice(command, "--samples-from", arguments.samples.source,
             {{"chance", Source::kChance}, {"beam", Source::kBeam}},
             "Where the sentences of --self-critical come from: chance, or a beam search")
      ->needs(rewards);
  command
      .add_option("--caption-share", arguments.recipe.learning.caption_share,
                  "The part of the loss that stays that of people's captions in --self-critical")
      ->capture_default_str()
      ->needs(rewards);
  command.add_option("--samples", arguments.samples.samples, "Sentences drawn a photo by --self-critical")
      ->capture_default_str()
      ->needs(rewards);
}

}  // namespace

void add_train_options(CLI::App& command, TrainArguments& arguments) {
  add_data_options(command, arguments);
  add_model_options(command, arguments.recipe.model);
  add_learning_options(command, arguments.recipe.learning);
  add_self_critical_options(command, arguments);
  add_threads_option(command, arguments.threads);
}

}  // namespace attend
