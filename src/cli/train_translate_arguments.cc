#include "cli/train_translate_arguments.h"

#include "cli/checked_options.h"
#include "cli/learning_options.h"
#include "cli/note_option.h"
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
  add_run_options(command, arguments.run, arguments.out);
  add_note_option(command, arguments.notes);
  CLI::Option* count = command
                           .add_option("--pieces", arguments.pieces,
                                       "Pieces of words that both languages are written with; learned")
                           ->capture_default_str();
  not_empty(
      command.add_option("--piece-model", arguments.pieces_file, "A SentencePiece model to use instead"))
      ->check(CLI::ExistingFile)
      ->excludes(count);
}

void add_model_options(CLI::App& command, TranslationModelOptions& model) {
  command.add_option("--width", model.width, "Width of the model")->capture_default_str();
  command.add_option("--heads", model.heads, "Attention heads")->capture_default_str();
  command.add_option("--hidden", model.hidden, "Width of the feed-forward networks")->capture_default_str();
  command.add_option("--encoder-layers", model.encoder_layers, "Blocks of the encoder")
      ->capture_default_str();
  command.add_option("--decoder-layers", model.decoder_layers, "Blocks of the decoder")
      ->capture_default_str();
  add_choice(command, "--norm", model.norm, {{"pre", NormPlacement::kPre}, {"post", NormPlacement::kPost}},
             "Layer norm before or after each sublayer");
  command.add_option("--dropout", model.dropout, "Dropout of embeddings and after each sublayer")
      ->capture_default_str();
  command.add_option("--longest", model.max_length, "Most pieces of a sentence, its end included")
      ->capture_default_str();
}

void add_learning_options(CLI::App& command, TranslationLearningOptions& learning) {
  command.add_option("--epochs", learning.epochs, "Passes over the sentences")->capture_default_str();
  command.add_option("--batch", learning.pieces_per_batch, "Target pieces a step")->capture_default_str();
  command.add_option("--lr", learning.rate, "Highest learning rate")->capture_default_str();
  command.add_option("--warmup", learning.warmup, "Steps until the highest learning rate")
      ->capture_default_str();
  command.add_option("--label-smoothing", learning.label_smoothing, "Probability spread over all pieces")
      ->capture_default_str();
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
  add_threads_option(command, arguments.threads);
}

}  // namespace attend
