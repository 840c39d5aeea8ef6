// The options that say which model a command runs.
#ifndef ATTEND_CLI_MODEL_OPTIONS_H_
#define ATTEND_CLI_MODEL_OPTIONS_H_

#include <string>

#include "attend/captioner.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace attend {

/// --model, of a captioner.
CLI::Option* add_captioner_option(CLI::App& command, std::string& model);

/// --model and --weights, which needs it.
void add_model_options(CLI::App& command, std::string& model, WeightPrecision& weights);

}  // namespace attend

#endif  // ATTEND_CLI_MODEL_OPTIONS_H_
