#include "cli/format_option.h"

#include <CLI/CLI.hpp>
#include <utility>

namespace attend {

void add_format_option(CLI::App& command, const std::string& meaning,
                       std::function<void(bool json_lines)> choose) {
  const std::function<void(const std::string&)> parsed =
      [choose = std::move(choose)](const std::string& word) { choose(word == "jsonl"); };
  command.add_option_function("--format", parsed, meaning)
      ->check(CLI::IsMember({"text", "jsonl"}).description(""))
      ->type_name("text|jsonl");
}

}  // namespace attend
