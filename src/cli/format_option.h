// The option --format of the commands whose result people and programs read.
#ifndef ATTEND_CLI_FORMAT_OPTION_H_
#define ATTEND_CLI_FORMAT_OPTION_H_

#include <functional>
#include <string>

namespace CLI {
class App;
}

namespace attend {

/// Adds --format text|jsonl to `command`; when it is given, `choose` hears whether it says jsonl.
void add_format_option(CLI::App& command, const std::string& meaning,
                       std::function<void(bool json_lines)> choose);

}  // namespace attend

#endif  // ATTEND_CLI_FORMAT_OPTION_H_
