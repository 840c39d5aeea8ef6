// What `attend train` is asked for.
#ifndef ATTEND_CLI_TRAIN_ARGUMENTS_H_
#define ATTEND_CLI_TRAIN_ARGUMENTS_H_

#include <string>

#include "cli/training_run.h"
#include "training/caption_recipe.h"

namespace CLI {
class App;
}

namespace attend {

struct TrainArguments {
  CaptionRecipe recipe;
  TrainingRun run;
  std::string encoder;
  bool self_critical = false;
  SelfCriticalOptions samples;
};

/// Adds all options to `command`; they fill `arguments`, which must outlive it.
void add_train_options(CLI::App& command, TrainArguments& arguments);

}  // namespace attend

#endif  // ATTEND_CLI_TRAIN_ARGUMENTS_H_
