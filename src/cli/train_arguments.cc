#include "cli/train_arguments.h"

#include <string>
#include <utility>
#include <vector>

#include "cli/checked_options.h"
#include "cli/learning_options.h"
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
  add_run_options(command, arguments.run);
  not_empty(command.add_option("--cache", set.cache,
                               "The folder where photo features are kept; RUN/cache unless given"));
  add_number(command, "--squash-side", set.squares.squash_side, set.kSide,
             "Photos are first squashed to a square of so many pixels a side");
  add_number(command, "--input-side", set.squares.input_side, set.kSide,
             "The encoder sees a square of so many pixels a side");
  add_number(command, "--crops", set.crops, set.kCrops,
             "Random windows of each photo to learn from besides the whole; each takes as long to compute");
  add_number(command, "--min-count", set.min_count, set.kMinCount,
             "How often a word must come up to be learned");
}

void add_model_options(CLI::App& command, CaptionModelOptions& model) {
  add_block_options(command, model.width, model.heads, model.hidden);
  add_number(command, "--layers", model.layers, model.kLayers, "Blocks of the text decoder");
  add_choice(command, "--attention", model.attention,
             std::vector<std::pair<std::string, MemoryAttentionKind>>(kMemoryAttentions.begin(),
                                                                      kMemoryAttentions.end()),
             "How words look at patches: multi-head attention, or one of the learned modules");
  add_number(command, "--encoder-layers", model.encoder_layers, model.kEncoderLayers,
             "Blocks over the patches");
  add_number(command, "--dropout", model.dropout, model.kDropout, "Dropout after each sublayer");
  add_number(command, "--embedding-dropout", model.embedding_dropout, model.kDropout,
             "Dropout of word embeddings");
  add_number(command, "--feature-dropout", model.feature_dropout, model.kDropout,
             "Dropout of patch features");
}

void add_learning_options(CLI::App& command, CaptionLearningOptions& learning) {
  FeatureNoise& noise = learning.noise;
  add_number(command, "--epochs", learning.epochs, learning.kEpochs,
             "Passes over the photos; 0 only computes features, or judges what --start names");
  add_number(command, "--batch", learning.photos_per_batch, learning.kPhotosPerBatch,
             "Photos a step, each with all its captions");
  add_rate_options(command, learning);
  add_number(command, "--last-lr", learning.last_rate, learning.kRate, "Learning rate at the end");
  add_number(command, "--channel-dropout", noise.channel_dropout, noise.kDropout,
             "Channels of a photo's features that fall in all of its patches together");
  add_number(command, "--patch-dropout", noise.patch_dropout, noise.kDropout,
             "Patches of a photo that fall as a whole");
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
  CaptionLearningOptions& learning = arguments.recipe.learning;
  add_number(command, "--caption-share", learning.caption_share, learning.kCaptionShare,
             "The part of the loss that stays that of people's captions in --self-critical")
      ->needs(rewards);
  add_number(command, "--samples", arguments.samples.samples, arguments.samples.kSamples,
             "Sentences drawn a photo by --self-critical")
      ->needs(rewards);
}

}  // namespace

void add_train_options(CLI::App& command, TrainArguments& arguments) {
  add_data_options(command, arguments);
  add_model_options(command, arguments.recipe.model);
  add_learning_options(command, arguments.recipe.learning);
  add_self_critical_options(command, arguments);
  add_threads_option(command, arguments.run.threads);
}

}  // namespace attend
