// What the subcommands of the program have in common: how they are registered, and how they end.
#ifndef ATTEND_CLI_COMMAND_H_
#define ATTEND_CLI_COMMAND_H_

#include <functional>
#include <string_view>

namespace CLI {
class App;
}

namespace attend {

/// The program's exit codes; stop_signals.h has those of a command that a signal stopped.
enum ExitCode : int {
  kDone = 0,
  kUsageError = 1,  // the command line asks for something that makes no sense; nothing was done
  kSomeFailed = 2,  // some files, or all, could not be done; each has a line on standard error
};

/// A subcommand: its options, and what runs once they have been parsed. run() returns the exit code.
struct Command {
  CLI::App* options;
  std::function<int()> run;
};

/// Writes a line to standard error; where that cannot be written the command goes on all the same.
void say(std::string_view line);

/// Writes "attend: MESSAGE" as one line to standard error and returns `code`.
int fail(std::string_view message, int code);

}  // namespace attend

#endif  // ATTEND_CLI_COMMAND_H_
