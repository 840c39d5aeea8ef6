// Options of training that do not depend on what is learned. What they fill must outlive the command.
#ifndef ATTEND_CLI_LEARNING_OPTIONS_H_
#define ATTEND_CLI_LEARNING_OPTIONS_H_

#include <cstdint>

#include "cli/training_run.h"
#include "training/learning_options.h"

namespace CLI {
class App;
}

namespace attend {

/// --width, --heads and --hidden: of the blocks of which models are built.
void add_block_options(CLI::App& command, int64_t& width, int& heads, int64_t& hidden);

/// --run, which is required, --out and --note.
void add_run_options(CLI::App& command, TrainingRun& run);

/// --lr, --warmup and --label-smoothing.
void add_rate_options(CLI::App& command, LearningOptions& learning);

/// --weight-decay, --beta2 and --clip.
void add_optimiser_options(CLI::App& command, AdamWOptions& adamw);

/// --seed, --patience, --average and --save-every.
void add_epoch_options(CLI::App& command, RunOptions& run);

void add_precision_option(CLI::App& command, Precision& precision);

/// --start FILE, which may be given several times.
void add_start_option(CLI::App& command, RunOptions& run);

}  // namespace attend

#endif  // ATTEND_CLI_LEARNING_OPTIONS_H_
