// attend info: which program, machine and model these are.
#ifndef ATTEND_CLI_INFO_COMMAND_H_
#define ATTEND_CLI_INFO_COMMAND_H_

#include "cli/command.h"

namespace attend {

/// run() gives kDone, or kSomeFailed when the model that was named cannot be read. A program without a model
/// inside says so and is done.
Command info_command(CLI::App& program);

}  // namespace attend

#endif  // ATTEND_CLI_INFO_COMMAND_H_
