// Arguments in square brackets, which CLI11 would take for lists of values where an option has several.
#ifndef ATTEND_CLI_BRACKETED_ARGUMENTS_H_
#define ATTEND_CLI_BRACKETED_ARGUMENTS_H_

#include <span>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace attend {

/// The arguments behind the program's name, last first, as CLI::App::parse() takes them: those in brackets
/// are marked, so that they pass.
std::vector<std::string> marked_arguments(std::span<char* const> arguments);

/// One of them as it was given.
std::string unmarked(std::string argument);

/// Has all options of the program's commands take the marks off again.
void take_marks_off(CLI::App& program);

}  // namespace attend

#endif  // ATTEND_CLI_BRACKETED_ARGUMENTS_H_
