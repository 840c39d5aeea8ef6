// attend train: learns a captioning model from folders of captioned photographs.
#ifndef ATTEND_CLI_TRAIN_COMMAND_H_
#define ATTEND_CLI_TRAIN_COMMAND_H_

#include "cli/command.h"

namespace attend {

/// Its run() gives kDone when training finished, kUsageError for options that make no sense, kSomeFailed for
/// any other failure, and 130 when a signal stopped it: then the same command goes on.
Command train_command(CLI::App& program);

}  // namespace attend

#endif  // ATTEND_CLI_TRAIN_COMMAND_H_
