// attend train-translate: learns to translate from pairs of sentences.
#ifndef ATTEND_CLI_TRAIN_TRANSLATE_COMMAND_H_
#define ATTEND_CLI_TRAIN_TRANSLATE_COMMAND_H_

#include "cli/command.h"

namespace attend {

/// Its run() gives what train_command()'s gives.
Command train_translate_command(CLI::App& program);

}  // namespace attend

#endif  // ATTEND_CLI_TRAIN_TRANSLATE_COMMAND_H_
