#include "cli/translate_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/checked_options.h"
#include "cli/input_lines.h"
#include "cli/output_file.h"
#include "cli/printable.h"
#include "cli/standard_output.h"
#include "cli/threads_option.h"
#include "cli/translation_source.h"
#include "drawing/image_file.h"
#include "language/utf8.h"
#include "translation/alignment_sheet.h"

namespace attend {
namespace {

struct TranslateArguments {
  std::string sentence, attention, model;
  TranslationChoices choices;
  int threads = 0;
};

/// The sentences that come, translated line by line.
class TranslateRun {
 public:
  TranslateRun(const LoadedTranslationModel& model, const TranslationOptions& options, Executor& executor)
      : model_(model), options_(options), executor_(executor) {}

  Status translate(std::vector<InputLine> lines) {
    std::vector<std::string> readable;
    for (InputLine& line : lines) {
      check_text(line);
      readable.push_back(std::move(line.text));
    }
    last_ = translate_text(readable, options_, model_.pieces, model_.model, executor_);
    if (options_.generation.keep_attention && !failed_) ATTEND_RETURN_IF_ERROR(check_words());
    std::string text;
    for (size_t i = 0; i < last_.size(); ++i) {
      ++line_;
      tell(lines[i].cut, last_[i]);
      text += printable(last_[i].text, "\t") + "\n";  // tabs, which a model may have learned, do no harm
    }
    return write_standard_output(text);
  }
  const std::vector<Translation>& last() const { return last_; }
  int exit_code() const { return failed_ ? kSomeFailed : kDone; }

 private:
  /// A line that is not text has an empty translation, so that lines out stay lines in.
  void check_text(InputLine& line) {
    ++read_;
    if (is_utf8(line.text)) return;
    fail(fmt::format("line {}: not UTF-8", read_), kSomeFailed);
    failed_ = true;
    line = {};
  }
  /// A picture of a translation without words would be empty.
  Status check_words() const {
    for (const Translation& translation : last_) {
      if (!translation.words.empty()) continue;
      return {StatusCode::kInvalidArgument,
              "--attention: the translation has no words, so there is nothing to draw"};
    }
    return {};
  }
  void tell(bool line_cut, const Translation& translation) const {
    if (translation.cut) {
      fail(fmt::format("line {}: more than the {} pieces that this model reads; the rest was not translated",
                       line_, model_.config.shape.decoder.max_length - 1),
           kDone);
    } else if (line_cut) {
      fail(fmt::format("line {}: more than {} KiB; the rest was not translated", line_, kLongestLine >> 10),
           kDone);
    }
    if (!translation.ended)
      fail(fmt::format("line {}: the translation did not come to an end, and was cut", line_), kDone);
  }

  const LoadedTranslationModel& model_;
  const TranslationOptions& options_;
  Executor& executor_;
  std::vector<Translation> last_;
  int64_t read_ = 0, line_ = 0;
  bool failed_ = false;
};

Status translate_lines(int64_t at_once, TranslateRun& run) {
  InputLines input(STDIN_FILENO);
  while (true) {
    Result<std::vector<InputLine>> lines = input.next(static_cast<size_t>(8 * at_once));
    if (!lines.ok()) return lines.status();
    if (lines.value().empty()) return {};
    ATTEND_RETURN_IF_ERROR(run.translate(std::move(lines).value()));
  }
}

/// `one`: the sentence of the command line, which may be empty, and not the lines of standard input.
int translate(const TranslateArguments& arguments, bool one) {
  if (Status status = can_write(arguments.attention); !status.ok())
    return fail(status.message(), kSomeFailed);
  const std::unique_ptr<Executor> executor = make_executor(arguments.threads);
  const Result<LoadedTranslationModel> model = load_translator(arguments.model);
  if (!model.ok()) return fail(model.status().message(), kSomeFailed);
  Result<TranslationOptions> options = merged(model.value().config, arguments.choices);
  if (!options.ok()) return fail(options.status().message(), kUsageError);
  options.value().generation.keep_attention = !arguments.attention.empty();
  TranslateRun run(model.value(), options.value(), *executor);
  Status status =
      one ? run.translate({InputLine{arguments.sentence}}) : translate_lines(arguments.choices.at_once, run);
  if (status.ok() && !arguments.attention.empty() && run.exit_code() == kDone)
    status = write_alignment_sheet(arguments.attention, run.last().front());
  return status.ok() ? run.exit_code() : fail(status.message(), kSomeFailed);
}

}  // namespace

Command translate_command(CLI::App& program) {
  CLI::App* options =
      program.add_subcommand("translate", "Translate sentences, and show where each word came from");
  const auto arguments = std::make_shared<TranslateArguments>();
  CLI::Option* sentence = options->add_option(
      "sentence", arguments->sentence, "What to translate; lines of standard input when it is not given");
  not_empty(options->add_option("--attention", arguments->attention,
                                "Draw where each word of the one sentence came from into this PNG or JPEG"))
      ->type_name("FILE")
      ->check(CLI::Validator([](std::string& path) { return check_image_name(path).message(); }, ""))
      ->needs(sentence);
  add_translation_choices(*options, arguments->choices, arguments->model);
  add_threads_option(*options, arguments->threads);
  options->footer(
      "A line out for each line in, an empty one for a line without words. Lines that are too long are cut, "
      "and standard error says so.");
  return {options, [arguments, sentence] { return translate(*arguments, sentence->count() > 0); }};
}

}  // namespace attend
