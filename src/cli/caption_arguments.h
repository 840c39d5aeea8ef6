// The command line of `attend caption`.
#ifndef ATTEND_CLI_CAPTION_ARGUMENTS_H_
#define ATTEND_CLI_CAPTION_ARGUMENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attend/captioner.h"
#include "attend/status.h"

namespace CLI {
class App;
}

namespace attend {

struct CaptionArguments {
  enum class Format { kText, kJsonLines };

  std::vector<std::string> paths;
  bool recursive = false;
  Format format = Format::kText;
  bool attention = false;           // kJsonLines: with the maps as numbers
  std::optional<std::string> maps;  // the folder for contact sheets
  bool tokens = false;              // kJsonLines: with the numbers of the model's tokens
  std::string model;  // a model file or a checkpoint's folder; empty: the one inside the program
  WeightPrecision weights = WeightPrecision::kAsStored;
  int threads = 0;  // 0: all

  // What the model's own defaults give way to.
  std::optional<int> beam, min_length, max_length;
  std::optional<double> length_exponent;
  std::optional<std::string> prompt;
  bool greedy = false, sample = false;
  double temperature = 1.0;
  uint64_t seed = 0;
};

/// Adds the options to `command`; parsing fills `arguments`, which must outlive it. Numbers out of range and
/// combinations that make no sense are refused while parsing.
void add_caption_arguments(CLI::App& command, CaptionArguments& arguments);

/// What they ask of the captioner.
CaptionOptions caption_options(const CaptionArguments& arguments);

/// Says on standard error why a captioner cannot follow them (Captioner::check), with the names that the
/// command line has for its options, and returns the exit code.
int fail_to_follow(const std::string& command, const Status& status);

}  // namespace attend

#endif  // ATTEND_CLI_CAPTION_ARGUMENTS_H_
