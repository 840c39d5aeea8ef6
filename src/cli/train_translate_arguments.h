// What `attend train-translate` is asked for.
#ifndef ATTEND_CLI_TRAIN_TRANSLATE_ARGUMENTS_H_
#define ATTEND_CLI_TRAIN_TRANSLATE_ARGUMENTS_H_

#include <cstdint>
#include <string>

#include "cli/training_run.h"
#include "training/translation_recipe.h"

namespace CLI {
class App;
}

namespace attend {

struct TrainTranslateArguments {
  TranslationRecipe recipe;
  TrainingRun run;
  std::string data;
  std::string pieces_file;  // a SentencePiece model; empty: one is learned
  int64_t pieces = 8000;    // of the one that is learned
};

/// Adds all options to `command`; they fill `arguments`, which must outlive it.
void add_train_translate_options(CLI::App& command, TrainTranslateArguments& arguments);

}  // namespace attend

#endif  // ATTEND_CLI_TRAIN_TRANSLATE_ARGUMENTS_H_
