// attend translate: sentences in one language in, the same in another out.
#ifndef ATTEND_CLI_TRANSLATE_COMMAND_H_
#define ATTEND_CLI_TRANSLATE_COMMAND_H_

#include "cli/command.h"

namespace attend {

/// Its run() gives kDone; kUsageError for options that make no sense; kSomeFailed when the model cannot be
/// read, a line is not text, or something cannot be written.
Command translate_command(CLI::App& program);

}  // namespace attend

#endif  // ATTEND_CLI_TRANSLATE_COMMAND_H_
