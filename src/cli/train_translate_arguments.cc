#include "cli/train_translate_arguments.h"

#include <CLI/CLI.hpp>
#include <map>

#include "cli/learning_options.h"
#include "cli/note_option.h"

namespace attend {
namespace {

void add_data_options(CLI::App& command, TrainTranslateArguments& arguments) {
  command
      .add_option("--data", arguments.data,
                  "A folder with train.SOURCE, train.TARGET, val.SOURCE and val.TARGET, a sentence a line")
      ->required()
      ->check(CLI::ExistingDirectory);
  command.add_option("--source", arguments.recipe.source, "What the names of source files end in")
      ->capture_default_str();
  command.add_option("--target", arguments.recipe.target, "What the names of target files end in")
      ->capture_default_str();
  command.add_option("--run", arguments.run, "The folder of this run: checkpoints, log, curve")->required();
  command.add_option("--out", arguments.out, "The model file, written whenever a better model is found");
  add_note_option(command, arguments.notes);
  CLI::Option* count = command
                           .add_option("--pieces", arguments.pieces,
                                       "Pieces of words that both languages are written with; learned")
                           ->capture_default_str();
  command.add_option("--piece-model", arguments.pieces_file, "A SentencePiece model to use instead")
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
  const std::map<std::string, NormPlacement> placements = {{"pre", NormPlacement::kPre},
                                                           {"post", NormPlacement::kPost}};
  command.add_option("--norm", model.norm, "Layer norm before or after each sublayer")
      ->transform(CLI::CheckedTransformer(placements))
      ->default_str(model.norm == NormPlacement::kPre ? "pre" : "post");
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
  command.add_option("--beam", learning.validation_beam, "Beam of validation translations")
      ->capture_default_str();
  command.add_option("--save-every", learning.save_seconds, "Seconds between checkpoints")
      ->capture_default_str();
  add_precision_option(command, learning.precision);
  add_start_option(command, learning);
}

}  // namespace

void add_train_translate_options(CLI::App& command, TrainTranslateArguments& arguments) {
  add_data_options(command, arguments);
  add_model_options(command, arguments.recipe.model);
  add_learning_options(command, arguments.recipe.learning);
  command.add_option("--threads", arguments.threads, "Threads; 0 for all")->capture_default_str();
}

}  // namespace attend
