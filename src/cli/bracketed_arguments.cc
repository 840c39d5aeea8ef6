#include "cli/bracketed_arguments.h"

#include <CLI/CLI.hpp>
#include <utility>

namespace attend {
namespace {

constexpr char kMark = '\x01';  // an argument that begins with it gets another

}  // namespace

std::vector<std::string> marked_arguments(std::span<char* const> arguments) {
  std::vector<std::string> marked;
  for (size_t i = arguments.size(); i-- > 1;) {
    const std::string argument = arguments[i];
    const bool bracketed = argument.starts_with('[') && argument.ends_with(']');
    marked.push_back(bracketed || argument.starts_with(kMark) ? kMark + argument : argument);
  }
  return marked;
}

std::string unmarked(std::string argument) {
  if (argument.starts_with(kMark)) argument.erase(0, 1);
  return argument;
}

void take_marks_off(CLI::App& program) {
  const auto unmark = [](std::string& text) {
    text = unmarked(std::move(text));
    return std::string();  // never an error
  };
  for (CLI::App* command : program.get_subcommands({})) {
    for (CLI::Option* option : command->get_options()) option->transform(CLI::Validator(unmark, ""));
  }
}

}  // namespace attend
