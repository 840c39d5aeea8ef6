#include "cli/eval_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
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
#include "cli/progress_bar.h"
#include "cli/standard_output.h"
#include "cli/threads_option.h"
#include "evaluation/scores.h"
#include "language/generation.h"
#include "training/dataset.h"
#include "vision/photo.h"

namespace attend {
namespace {

constexpr size_t kPhotosAtOnce = 16;

struct EvalArguments {
  std::string model, captions, data, write;
  Split split = Split::kTest;
  std::optional<int> beam;
  std::optional<double> length_exponent;
  int threads = 0;
  bool json = false;
};

/// Photos of a split, decoded in parallel and captioned together.
Status caption_some(const DataFolder& folder, std::span<const CaptionedPhoto> photos,
                    const Captioner& captioner, const CaptionOptions& options, Executor& executor,
                    std::vector<CandidateCaption>& captions) {
  std::vector<Photo> pixels(photos.size());
  std::vector<Status> statuses(photos.size());
  executor.for_each(static_cast<int64_t>(photos.size()), [&](int64_t i, int) {
    const size_t at = static_cast<size_t>(i);
    Result<Photo> photo = load_photo(folder.photo_path(photos[at]));
    statuses[at] = photo.status();
    if (photo.ok()) pixels[at] = std::move(photo).value();
  });
  for (const Status& status : statuses) ATTEND_RETURN_IF_ERROR(status);
  const Result<std::vector<Caption>> found = captioner.caption(pixels, options);
  if (!found.ok()) return {found.status().code(), in_option_names(found.status().message())};
  for (size_t i = 0; i < photos.size(); ++i) captions.push_back({photos[i].image, found.value()[i].text});
  return {};
}

Result<std::vector<CandidateCaption>> caption_photos(const EvalArguments& arguments,
                                                     const DataFolder& folder) {
  const std::unique_ptr<Executor> executor = make_executor(arguments.threads);
  const Result<Captioner> captioner = load_captioner(arguments.model, *executor);
  if (!captioner.ok()) return captioner.status();
  CaptionOptions options;
  options.beam = arguments.beam;
  options.length_exponent = arguments.length_exponent;
  options.attention = false;
  const std::span<const CaptionedPhoto> photos = folder.photos(arguments.split);
  std::vector<CandidateCaption> captions;
  ProgressBar bar(static_cast<int64_t>(photos.size()), "photos");
  for (size_t first = 0; first < photos.size(); first += kPhotosAtOnce) {
    const size_t count = std::min(kPhotosAtOnce, photos.size() - first);
    ATTEND_RETURN_IF_ERROR(
        caption_some(folder, photos.subspan(first, count), captioner.value(), options, *executor, captions));
    bar.update(static_cast<int64_t>(captions.size()));
  }
  return captions;
}

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

int evaluate(const EvalArguments& arguments) {
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
  const Result<std::vector<CandidateCaption>> captions = arguments.captions.empty()
                                                             ? caption_photos(arguments, folder.value())
                                                             : read_candidate_captions(arguments.captions);
  if (captions.status().code() == StatusCode::kInvalidArgument)
    return fail("eval: " + captions.status().message(), kUsageError);
  if (!captions.ok()) return fail(captions.status().message(), kSomeFailed);
  if (!arguments.write.empty()) {
    const Status status = write_captions(arguments.write, captions.value());
    if (!status.ok()) return fail(status.message(), kSomeFailed);
  }
  const Result<Scores> scores = score_captions(captions.value(), references);
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
  not_empty(options->add_option("--write", arguments->write,
                                "Write the model's captions to this file, as JSON lines"))
      ->type_name("FILE")
      ->excludes(captions);
  add_threads_option(*options, arguments->threads);
  options->add_flag("--json", arguments->json, "Print one JSON object");
  return {options, [arguments] { return evaluate(*arguments); }};
}

}  // namespace attend
