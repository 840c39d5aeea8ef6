#include "cli/caption_arguments.h"

#include <CLI/CLI.hpp>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "cli/checked_options.h"
#include "cli/command.h"
#include "cli/format_option.h"
#include "cli/model_options.h"
#include "cli/threads_option.h"
#include "language/generation.h"

namespace attend {
namespace {

constexpr int kLongestSentence = 1000;

/// Help whose first line has PATHS alone.
class CaptionFormatter : public CLI::Formatter {
 public:
  std::string make_usage(const CLI::App*, std::string program) const override {
    return "Usage: " + program + " [OPTIONS] PATHS...\n";
  }
};

void add_input_options(CLI::App& command, CaptionArguments& arguments) {
  not_empty(command.add_option("PATHS", arguments.paths,
                               "Photographs, or folders of them; - is one on standard input"))
      ->required()
      ->type_name("");
  // CLI11 takes "--" for the end of the command as soon as no positional lacks a value. This one always does:
  // PATHS leaves it nothing.
  command.add_option("MORE")->group("");
  command.formatter(std::make_shared<CaptionFormatter>());
  command.add_flag("-r,--recursive", arguments.recursive, "Look for photographs below the folders too");
  add_model_options(command, arguments.model, arguments.weights);
  add_threads_option(command, arguments.threads);
}

void add_output_options(CLI::App& command, CaptionArguments& arguments) {
  add_format_option(command,
                    "text: one file's caption alone; of several, path, tab, caption. jsonl: an object a row",
                    [&arguments](bool json_lines) {
                      arguments.format =
                          json_lines ? CaptionArguments::Format::kJsonLines : CaptionArguments::Format::kText;
                    });
  command.add_flag("--attention", arguments.attention,
                   "Add to each word of a jsonl row where it looked: a matrix of the photo's patches");
  command.add_flag("--tokens", arguments.tokens,
                   "Add to a jsonl row the numbers of the model's tokens, from its start on");
  not_empty(
      command.add_option("--maps", arguments.maps,
                         "A folder for contact sheets: the photo, and a tile a word with where it looked"))
      ->type_name("FOLDER");
}

void add_generation_options(CLI::App& command, CaptionArguments& arguments) {
  add_number(command, "--beam", arguments.beam, kOfferedBeams, "Sentences kept side by side while searching");
  add_number(command, "--min-length", arguments.min_length, {0, kLongestSentence},
             "Least words, or tokens with the start and the prompt's of a published checkpoint");
  add_number(command, "--max-length", arguments.max_length, {1, kLongestSentence},
             "Most words, or tokens likewise");
  add_number(command, "--length-exponent", arguments.length_exponent, kOfferedLengthExponents,
             "Sentences are ranked by log-probability / length^N; below 0 for published checkpoints only");
  command.add_option("--prompt", arguments.prompt, "How sentences begin (published checkpoints only)")
      ->type_name("TEXT");
  CLI::Option* beam = command.get_option("--beam");
  CLI::Option* greedy =
      command.add_flag("--greedy", arguments.greedy, "Always the likeliest word: a beam of 1")
          ->excludes(beam);
  CLI::Option* sample = command.add_flag("--sample", arguments.sample, "Draw words by their probabilities")
                            ->excludes(beam)
                            ->excludes(greedy);
  add_number(command, "--temperature", arguments.temperature, {0.001, 1000},
             "Above 1 draws bolder words, below 1 likelier ones")
      ->needs(sample);
  add_number(command, "--seed", arguments.seed, kSeeds, "Another number draws other words")->needs(sample);
}

/// A captioner's complaint about its CaptionOptions, with the names that the command line has for them.
std::string in_option_names(std::string message) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> kNames = {
      {{"beam is", "--beam is"},
       {"temperature is", "--temperature is"},
       {"length_exponent", "--length-exponent"},
       {"min_words", "--min-length"},
       {"max_words", "--max-length"},
       {"min_length", "--min-length"},
       {"max_length", "--max-length"}}};
  for (const auto& [field, option] : kNames) {
    for (size_t at = 0; (at = message.find(field, at)) != std::string::npos; at += option.size())
      message.replace(at, field.size(), option);
  }
  return message;
}

void check_combinations(const CaptionArguments& arguments) {
  if (arguments.attention && arguments.format != CaptionArguments::Format::kJsonLines) {
    throw CLI::ValidationError("--attention", "needs --format jsonl");
  }
  if (arguments.tokens && arguments.format != CaptionArguments::Format::kJsonLines) {
    throw CLI::ValidationError("--tokens", "needs --format jsonl");
  }
  if (arguments.min_length && arguments.max_length && *arguments.min_length > *arguments.max_length) {
    throw CLI::ValidationError("--min-length", std::to_string(*arguments.min_length) +
                                                   " is more than --max-length " +
                                                   std::to_string(*arguments.max_length));
  }
}

}  // namespace

void add_caption_arguments(CLI::App& command, CaptionArguments& arguments) {
  add_input_options(command, arguments);
  add_output_options(command, arguments);
  add_generation_options(command, arguments);
  command.callback([&arguments] { check_combinations(arguments); });
}

CaptionOptions caption_options(const CaptionArguments& arguments) {
  CaptionOptions options;
  options.length_exponent = arguments.length_exponent;
  options.beam = arguments.greedy ? 1 : arguments.beam;
  options.min_words = arguments.min_length;
  options.max_words = arguments.max_length;
  if (arguments.sample) {
    options.sample_seed = arguments.seed;
    options.temperature = arguments.temperature;
  }
  options.prompt = arguments.prompt;
  options.attention = arguments.attention || arguments.maps.has_value();
  return options;
}

int fail_to_follow(const std::string& command, const Status& status) {
  const bool asked_wrongly = status.code() == StatusCode::kInvalidArgument;
  return fail(command + ": " + in_option_names(status.message()), asked_wrongly ? kUsageError : kSomeFailed);
}

}  // namespace attend
