// The options that say which model a command runs.
#ifndef ATTEND_CLI_MODEL_OPTIONS_H_
#define ATTEND_CLI_MODEL_OPTIONS_H_

#include <string>

#include "attend/captioner.h"

namespace CLI {
class App;
}

namespace attend {

/// --model and --weights.
void add_model_options(CLI::App& command, std::string& model, WeightPrecision& weights);

}  // namespace attend

#endif  // ATTEND_CLI_MODEL_OPTIONS_H_
