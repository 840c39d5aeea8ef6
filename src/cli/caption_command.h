// attend caption: photographs in, sentences out.
#ifndef ATTEND_CLI_CAPTION_COMMAND_H_
#define ATTEND_CLI_CAPTION_COMMAND_H_

#include "cli/command.h"

namespace attend {

/// run() gives kDone when every photo has its caption (and its contact sheet), kUsageError for options that
/// the model cannot follow, and kSomeFailed otherwise: a file that cannot be read does not keep the others
/// from being done.
Command caption_command(CLI::App& program);

}  // namespace attend

#endif  // ATTEND_CLI_CAPTION_COMMAND_H_
