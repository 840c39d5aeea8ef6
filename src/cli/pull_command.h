// attend pull: a model from the Hugging Face hub onto this machine.
#ifndef ATTEND_CLI_PULL_COMMAND_H_
#define ATTEND_CLI_PULL_COMMAND_H_

#include "cli/command.h"

namespace attend {

/// run() writes the model's folder to standard output and gives kDone; kUsageError for a name or an
/// environment variable that makes no sense, kSomeFailed for everything else. An interrupt ends the program
/// as it would any other; the next pull goes on.
Command pull_command(CLI::App& program);

}  // namespace attend

#endif  // ATTEND_CLI_PULL_COMMAND_H_
