// Options whose values are looked at while they are parsed, alike in every command. What the functions fill
// must outlive the command; what is refused is a usage error that names the option.
#ifndef ATTEND_CLI_CHECKED_OPTIONS_H_
#define ATTEND_CLI_CHECKED_OPTIONS_H_

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/bounds.h"

namespace attend {

inline constexpr Bounds<uint64_t> kSeeds{0, std::numeric_limits<uint64_t>::max()};

/// The number that all of `text` spells, within `bounds`. Throws CLI::ValidationError, also for "nan".
template <class Number>
Number parse_number(const std::string& option, const std::string& text, Bounds<Number> bounds) {
  Number number{};
  const char* end = text.data() + text.size();
  const std::from_chars_result read = std::from_chars(text.data(), end, number);
  if (read.ec == std::errc() && read.ptr == end && bounds.hold(number)) {
    return number;
  }
  throw CLI::ValidationError(
      option, fmt::format("\"{}\" is not a {} from {} to {}", text,
                          std::is_integral_v<Number> ? "whole number" : "number", bounds.least, bounds.most));
}

/// An option for a number within `bounds`, of which its help tells; a Target is a Number or may hold one.
template <class Number, class Target>
CLI::Option* add_bounded(CLI::App& command, const std::string& name, Target& target, Bounds<Number> bounds,
                         const std::string& meaning) {
  const std::function<void(const std::string&)> take = [name, &target, bounds](const std::string& text) {
    target = parse_number<Number>(name, text, bounds);
  };
  return command
      .add_option_function(name, take, fmt::format("{} ({} to {})", meaning, bounds.least, bounds.most))
      ->type_name("N");
}

template <class Number>
CLI::Option* add_number(CLI::App& command, const std::string& name, std::optional<Number>& target,
                        Bounds<std::type_identity_t<Number>> bounds, const std::string& meaning) {
  return add_bounded<Number>(command, name, target, bounds, meaning);
}

/// The same for one that has a value from the beginning, of which its help tells too.
template <class Number>
CLI::Option* add_number(CLI::App& command, const std::string& name, Number& target,
                        Bounds<std::type_identity_t<Number>> bounds, const std::string& meaning) {
  return add_bounded<Number>(command, name, target, bounds, meaning)->default_str(fmt::format("{}", target));
}

/// An option for one of a few words, of which its help tells.
template <class Choice>
CLI::Option* add_choice(CLI::App& command, const std::string& name, Choice& target,
                        const std::vector<std::pair<std::string, Choice>>& choices,
                        const std::string& meaning) {
  std::string words, initial;
  for (const auto& [word, choice] : choices) {
    words += (words.empty() ? "" : "|") + word;
    if (choice == target) initial = word;
  }
  const std::function<void(const std::string&)> take = [=, &target](const std::string& text) {
    for (const auto& [word, choice] : choices) {
      if (word != text) continue;
      target = choice;
      return;
    }
    throw CLI::ValidationError(name, fmt::format("\"{}\" is none of {}", text, words));
  };
  return command.add_option_function(name, take, meaning)->type_name(words)->default_str(initial);
}

/// The option, which from now on refuses "": a path or a name that is empty is a mistake in a script.
inline CLI::Option* not_empty(CLI::Option* option) {
  const auto look = [](std::string& text) { return std::string(text.empty() ? "must not be empty" : ""); };
  return option->check(CLI::Validator(look, ""));
}

}  // namespace attend

#endif  // ATTEND_CLI_CHECKED_OPTIONS_H_
