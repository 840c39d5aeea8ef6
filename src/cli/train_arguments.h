// What `attend train` is asked for.
#ifndef ATTEND_CLI_TRAIN_ARGUMENTS_H_
#define ATTEND_CLI_TRAIN_ARGUMENTS_H_

#include <string>

#include "captioner/model_file.h"
#include "training/training_recipe.h"

namespace CLI {
class App;
}

namespace attend {

struct TrainArguments {
  TrainingRecipe recipe;
  std::string encoder, run, out;
  ModelNotes notes;
  int threads = 0;
  bool self_critical = false;
  SelfCriticalOptions samples;
};

/// Adds all options to `command`; they fill `arguments`, which must outlive it.
void add_train_options(CLI::App& command, TrainArguments& arguments);

}  // namespace attend

#endif  // ATTEND_CLI_TRAIN_ARGUMENTS_H_
