#include "cli/train_translate_arguments.h"

#include "cli/checked_options.h"
#include "cli/learning_options.h"
#include "cli/threads_option.h"
#include "language/generation.h"

namespace attend {
namespace {

void add_data_options(CLI::App& command, TrainTranslateArguments& arguments) {
  not_empty(
      command.add_option("--data", arguments.data,
                         "A folder with train.SOURCE, train.TARGET, val.SOURCE and val.TARGET, a sentence a "
                         "line"))
      ->required()
      ->check(CLI::ExistingDirectory);
  not_empty(command.add_option("--source", arguments.recipe.source, "What the names of source files end in"))
      ->capture_default_str();
  not_empty(command.add_option("--target", arguments.recipe.target, "What the names of target files end in"))
      ->capture_default_str();
  add_run_options(command, arguments.run);
  CLI::Option* count = add_number(command, "--pieces", arguments.pieces, SentencePieces::kCount,
                                  "Pieces of words that both languages are written with; learned");
  not_empty(
      command.add_option("--piece-model", arguments.pieces_file, "A SentencePiece model to use instead"))
      ->check(CLI::ExistingFile)
      ->excludes(count);
}

void add_model_options(CLI::App& command, TranslationModelOptions& model) {
  add_block_options(command, model.width, model.heads, model.hidden);
  add_number(command, "--encoder-layers", model.encoder_layers, model.kLayers, "Blocks of the encoder");
  add_number(command, "--decoder-layers", model.decoder_layers, model.kLayers, "Blocks of the decoder");
  add_choice(command, "--norm", model.norm, {{"pre", NormPlacement::kPre}, {"post", NormPlacement::kPost}},
             "Layer norm before or after each sublayer");
  add_number(command, "--dropout", model.dropout, model.kDropout,
             "Dropout of embeddings and after each sublayer");
  add_number(command, "--longest", model.max_length, model.kMaxLength,
             "Most pieces of a sentence, its end included");
}

void add_learning_options(CLI::App& command, TranslationLearningOptions& learning) {
  add_number(command, "--epochs", learning.epochs, learning.kEpochs, "Passes over the sentences");
  add_number(command, "--batch", learning.pieces_per_batch, learning.kPiecesPerBatch, "Target pieces a step");
  add_rate_options(command, learning);
  add_optimiser_options(command, learning.adamw);
  add_epoch_options(command, learning);
  add_number(command, "--beam", learning.validation_beam, kOfferedBeams, "Beam of validation translations");
  add_precision_option(command, learning.precision);
  add_start_option(command, learning);
}

}  // namespace

void add_train_translate_options(CLI::App& command, TrainTranslateArguments& arguments) {
  add_data_options(command, arguments);
  add_model_options(command, arguments.recipe.model);
  add_learning_options(command, arguments.recipe.learning);
  add_threads_option(command, arguments.run.threads);
}

}  // namespace attend
