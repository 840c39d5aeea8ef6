// attend eval: how good the captions of a model, or of a file, are.
#ifndef ATTEND_CLI_EVAL_COMMAND_H_
#define ATTEND_CLI_EVAL_COMMAND_H_

#include "cli/command.h"

namespace attend {

/// Its run() prints BLEU-1 to 4, ROUGE-L and CIDEr-D on standard output; it gives kDone, kUsageError for
/// options that make no sense, kSomeFailed for any other failure.
Command eval_command(CLI::App& program);

}  // namespace attend

#endif  // ATTEND_CLI_EVAL_COMMAND_H_
