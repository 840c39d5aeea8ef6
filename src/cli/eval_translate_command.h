// attend eval-translate: BLEU of translations, as sacreBLEU counts it.
#ifndef ATTEND_CLI_EVAL_TRANSLATE_COMMAND_H_
#define ATTEND_CLI_EVAL_TRANSLATE_COMMAND_H_

#include "cli/command.h"

namespace attend {

Command eval_translate_command(CLI::App& program);

}  // namespace attend

#endif  // ATTEND_CLI_EVAL_TRANSLATE_COMMAND_H_
