#include "cli/eval_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "attend/captioner.h"
#include "attend/executor.h"
#include "base/atomic_file.h"
#include "cli/caption_arguments.h"
#include "cli/checked_options.h"
#include "cli/json_line.h"
#include "cli/model_options.h"
#include "cli/model_source.h"
#include "cli/output_file.h"
#include "cli/split_captions.h"
#include "cli/standard_output.h"
#include "cli/stop_signals.h"
#include "cli/threads_option.h"
#include "evaluation/scores.h"
#include "language/generation.h"
#include "training/dataset.h"

namespace attend {
namespace {

struct EvalArguments {
  std::string model, captions, data, write;
  Split split = Split::kTest;
  std::optional<int> beam;
  std::optional<double> length_exponent;
  int threads = 0;
  bool json = false;
};

std::string as_table(const Scores& scores) {
  std::string text = fmt::format("{:<8} {:>7}\n", "images", scores.images);
  for (size_t n = 0; n < kMaxNgram; ++n) {
    text += fmt::format("{:<8} {:>7.2f}\n", fmt::format("BLEU-{}", n + 1), 100 * scores.bleu[n]);
  }
  text += fmt::format("{:<8} {:>7.2f}\n{:<8} {:>7.4f}\n", "ROUGE-L", 100 * scores.rouge_l, "CIDEr-D",
                      scores.cider_d);
  return text;
}

std::string as_json(const Scores& scores) {
  nlohmann::ordered_json json = {{"images", scores.images}};
  for (size_t n = 0; n < kMaxNgram; ++n) json[fmt::format("bleu_{}", n + 1)] = scores.bleu[n];
  json["rouge_l"] = scores.rouge_l;
  json["cider_d"] = scores.cider_d;
  return json_line(json);
}

/// A line a caption, as `attend caption --format jsonl` writes them.
Status write_captions(const std::string& path, std::span<const CandidateCaption> captions) {
  std::string text;
  for (const CandidateCaption& caption : captions) {
    text += json_line({{"file", caption.image}, {"caption", caption.text}});
  }
  return write_file(path, text);
}

/// The captions of the split by the model, written where --write says: all of them, or those that were made
/// before something ended the work.
SplitCaptions caption_and_write(const EvalArguments& arguments, const DataFolder& folder) {
  const std::span<const CaptionedPhoto> photos = folder.photos(arguments.split);
  if (Status status = check_photos(folder, photos); !status.ok())
    return {{}, fail(status.message(), kSomeFailed)};
  watch_for_stop_signals();
  hold_stop_signals();
  const std::unique_ptr<Executor> executor = make_executor(arguments.threads);
  const Result<Captioner> captioner = load_captioner(arguments.model, *executor);
  if (!captioner.ok()) return {{}, fail(captioner.status().message(), kSomeFailed)};
  CaptionOptions options;
  options.beam = arguments.beam;
  options.length_exponent = arguments.length_exponent;
  options.attention = false;
  if (Status status = captioner.value().check(options); !status.ok())
    return {{}, fail_to_follow("eval", status)};
  SplitCaptions split = caption_split(folder, photos, captioner.value(), options, *executor);
  if (arguments.write.empty() || split.captions.empty()) return split;
  if (Status status = write_captions(arguments.write, split.captions); !status.ok()) {
    split.exit_code = fail(status.message(), kSomeFailed);
  } else if (split.exit_code != kDone) {
    fail(fmt::format("{}: has the captions of the first {} of {} photos", arguments.write,
                     split.captions.size(), photos.size()),
         kSomeFailed);
  }
  return split;
}

SplitCaptions read_captions(const std::string& path) {
  Result<std::vector<CandidateCaption>> captions = read_candidate_captions(path);
  if (captions.ok()) return {std::move(captions).value(), kDone};
  return {{}, fail(captions.status().message(), kSomeFailed)};
}

/// Whether --write leads to a file of its own. Errors: kInvalidArgument.
Status check_write(const EvalArguments& arguments) {
  std::error_code ignored;
  if (arguments.write.empty() ||
      !std::filesystem::equivalent(arguments.write, arguments.data + "/captions.tsv", ignored)) {
    return {};
  }
  return {StatusCode::kInvalidArgument,
          "--write: " + arguments.write + " is the data set's own captions.tsv"};
}

int evaluate(const EvalArguments& arguments) {
  if (Status status = check_write(arguments); !status.ok())
    return fail("eval: " + status.message(), kUsageError);
  if (Status status = can_write(arguments.write); !status.ok()) return fail(status.message(), kSomeFailed);
  const Result<DataFolder> folder = read_data_folder(arguments.data);
  if (!folder.ok()) return fail(folder.status().message(), kSomeFailed);
  References references;
  for (const CaptionedPhoto& photo : folder.value().photos(arguments.split)) {
    references[photo.image] = photo.texts;
  }
  if (references.empty()) {
    return fail(fmt::format("{}: has no photos in the split {}", arguments.data, name_of(arguments.split)),
                kSomeFailed);
  }
  const SplitCaptions said = arguments.captions.empty() ? caption_and_write(arguments, folder.value())
                                                        : read_captions(arguments.captions);
  if (said.exit_code != kDone) return said.exit_code;
  const Result<Scores> scores = score_captions(said.captions, references);
  if (!scores.ok()) {
    const std::string file = arguments.captions.empty() ? "" : arguments.captions + ": ";
    return fail(file + scores.status().message(), kSomeFailed);
  }
  const Status status =
      write_standard_output(arguments.json ? as_json(scores.value()) : as_table(scores.value()));
  return status.ok() ? static_cast<int>(kDone) : fail(status.message(), kSomeFailed);
}

}  // namespace

Command eval_command(CLI::App& program) {
  CLI::App* options = program.add_subcommand("eval", "Score captions against those that people wrote");
  const auto arguments = std::make_shared<EvalArguments>();
  not_empty(options->add_option("--data", arguments->data, "A folder with captions.tsv and images/"))
      ->required()
      ->check(CLI::ExistingDirectory);
  add_choice(*options, "--split", arguments->split,
             std::vector<std::pair<std::string, Split>>(kSplits.begin(), kSplits.end()), "Which photos");
  CLI::Option* model = add_captioner_option(*options, arguments->model);
  CLI::Option* captions =
      not_empty(options->add_option("--captions", arguments->captions,
                                    "Score this file instead: lines of FILE<TAB>CAPTION, or JSON lines"))
          ->type_name("FILE");
  captions->excludes(model);
  add_number(*options, "--beam", arguments->beam, kOfferedBeams,
             "Width of the beam search; the model's own unless given")
      ->excludes(captions);
  add_number(
      *options, "--length-exponent", arguments->length_exponent, kOfferedLengthExponents,
      "Sentences are ranked by log-probability / length^N, below 0 for published checkpoints only; the "
      "model's own unless given")
      ->excludes(captions);
  not_empty(options->add_option(
                "--write", arguments->write,
                "Write the model's captions to this file, as JSON lines; should a photo be unreadable, or "
                "the command be stopped, those that there are"))
      ->type_name("FILE")
      ->excludes(captions);
  add_threads_option(*options, arguments->threads);
  options->add_flag("--json", arguments->json, "Print one JSON object");
  return {options, [arguments] { return evaluate(*arguments); }};
}

}  // namespace attend
