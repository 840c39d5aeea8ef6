// Options of training that do not depend on what is learned. What they fill must outlive the command.
#ifndef ATTEND_CLI_LEARNING_OPTIONS_H_
#define ATTEND_CLI_LEARNING_OPTIONS_H_

#include <string>

#include "nn/pass.h"
#include "training/adamw.h"
#include "training/run_options.h"

namespace CLI {
class App;
}

namespace attend {

/// --run, which is required, and --out.
void add_run_options(CLI::App& command, std::string& run, std::string& out);

/// --weight-decay, --beta2 and --clip.
void add_optimiser_options(CLI::App& command, AdamWOptions& adamw);

/// --seed, --patience, --average and --save-every.
void add_epoch_options(CLI::App& command, RunOptions& run);

void add_precision_option(CLI::App& command, Precision& precision);

/// --start FILE, which may be given several times.
void add_start_option(CLI::App& command, RunOptions& run);

}  // namespace attend

#endif  // ATTEND_CLI_LEARNING_OPTIONS_H_
