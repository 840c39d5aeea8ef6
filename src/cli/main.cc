// The program `attend`.
#include <CLI/CLI.hpp>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/bracketed_arguments.h"
#include "cli/caption_command.h"
#include "cli/command.h"
#include "cli/eval_command.h"
#include "cli/eval_translate_command.h"
#include "cli/info_command.h"
#include "cli/models_command.h"
#include "cli/pull_command.h"
#include "cli/short_waits.h"
#include "cli/standard_output.h"
#include "cli/train_command.h"
#include "cli/train_translate_command.h"
#include "cli/translate_command.h"

namespace attend {
namespace {

// What was parsed says help or version: a result, printed on standard output. Anything else is a usage error.
int finish_parse(const CLI::App& program, const CLI::ParseError& error) {
  std::string text;
  if (error.get_name() == "CallForHelp") {
    const std::vector<CLI::App*> chosen = program.get_subcommands();
    text = chosen.empty() ? program.help() : chosen.front()->help("attend");
  } else if (error.get_name() == "CallForVersion") {
    text = std::string(error.what()) + "\n";
  } else {
    const std::vector<CLI::App*> chosen = program.get_subcommands();
    const std::string command = chosen.empty() ? "" : chosen.front()->get_name() + ": ";
    std::string what = error.what();
    if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr) {
      what = "not expected:";
      for (const std::string& argument : program.remaining(true)) what += " " + unmarked(argument);
    }
    return fail(command + what, kUsageError);
  }
  const Status status = write_standard_output(text);
  return status.ok() ? kDone : fail(status.message(), kSomeFailed);
}

/// The first argument "--NAME=", of which CLI11 would take the next argument for the value; empty without
/// one.
std::string option_without_value(std::span<char* const> arguments) {
  for (const std::string_view argument : arguments) {
    if (argument == "--") break;  // paths follow
    if (argument.starts_with("--") && argument.find('=') == argument.size() - 1)
      return std::string(argument.substr(0, argument.size() - 1));
  }
  return {};
}

int run(int argc, char** argv) {
  const std::span<char* const> given(argv, static_cast<size_t>(argc));
  if (const std::string option = option_without_value(given); !option.empty())
    return fail(option + "= has no value behind it", kUsageError);
  CLI::App program("attend " ATTEND_VERSION ": captions photographs, and shows where each word looked.",
                   "attend");
  program.set_version_flag("--version", "attend " ATTEND_VERSION);
  program.footer(
      "'attend COMMAND --help' tells a command's options. Exit codes: 0 done, 1 usage error, 2 some files "
      "failed,\n130 or 143 stopped by SIGINT or SIGTERM.");
  program.require_subcommand(0, 1);  // at most: after one, its name may be that of a file
  const std::vector<Command> commands = {caption_command(program),
                                         train_command(program),
                                         eval_command(program),
                                         translate_command(program),
                                         train_translate_command(program),
                                         eval_translate_command(program),
                                         models_command(program),
                                         pull_command(program),
                                         info_command(program)};
  take_marks_off(program);
  try {
    program.parse(marked_arguments(given));
  } catch (const CLI::ParseError& error) {
    return finish_parse(program, error);
  }
  for (const Command& command : commands) {
    if (!command.options->parsed()) continue;
    restart_with_short_waits(argv);
    return command.run();
  }
  return fail("no command was given; see attend --help", kUsageError);
}

}  // namespace
}  // namespace attend

int main(int argc, char** argv) {
  attend::guard_standard_streams();
  try {
    return attend::run(argc, argv);
  } catch (const std::bad_alloc&) {
    return attend::fail("out of memory", attend::kSomeFailed);
  } catch (const std::exception& error) {
    return attend::fail(error.what(), attend::kSomeFailed);
  }
}
