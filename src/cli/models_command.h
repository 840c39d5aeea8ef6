// attend models: which captioners there are, and which of them are here.
#ifndef ATTEND_CLI_MODELS_COMMAND_H_
#define ATTEND_CLI_MODELS_COMMAND_H_

#include "cli/command.h"

namespace attend {

/// run() asks nobody but this machine, and gives kDone.
Command models_command(CLI::App& program);

}  // namespace attend

#endif  // ATTEND_CLI_MODELS_COMMAND_H_
