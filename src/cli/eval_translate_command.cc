#include "cli/eval_translate_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "cli/checked_options.h"
#include "cli/json_line.h"
#include "cli/output_file.h"
#include "cli/progress_bar.h"
#include "cli/standard_output.h"
#include "cli/threads_option.h"
#include "cli/translation_source.h"
#include "evaluation/translation_score.h"
#include "training/sentence_pairs.h"

namespace attend {
namespace {

constexpr size_t kBetweenUpdates = 256;  // sentences; those of like length among them share steps

struct EvalTranslateArguments {
  std::string source, references, translations, model, write;
  TranslationChoices choices;
  int threads = 0;
  bool json = false;
};

/// How many sentences were not translated whole.
class CutShort {
 public:
  void add(const Translation& translation) {
    cut_ += translation.cut;
    not_ended_ += !translation.ended;
  }
  void tell(int64_t pieces) const {
    if (cut_ > 0) {
      fail(fmt::format("{} of the sentences have more than the {} pieces that this model reads; the rest of "
                       "each was not translated",
                       cut_, pieces),
           kDone);
    }
    if (not_ended_ > 0)
      fail(fmt::format("{} of the translations did not come to an end, and were cut", not_ended_), kDone);
  }

 private:
  int64_t cut_ = 0, not_ended_ = 0;
};

Result<std::vector<std::string>> translated(const EvalTranslateArguments& arguments) {
  const Result<std::vector<std::string>> source = read_lines(arguments.source);
  if (!source.ok()) return source.status();
  const std::unique_ptr<Executor> executor = make_executor(arguments.threads);
  const Result<LoadedTranslationModel> model = load_translator(arguments.model);
  if (!model.ok()) return model.status();
  const Result<TranslationOptions> options = merged(model.value().config, arguments.choices);
  if (!options.ok()) return options.status();
  const std::span<const std::string> lines = source.value();
  std::vector<std::string> translations;
  CutShort cut_short;
  ProgressBar bar(std::ssize(lines), "sentences");
  for (size_t first = 0; first < lines.size(); first += kBetweenUpdates) {
    const auto some = lines.subspan(first, std::min(kBetweenUpdates, lines.size() - first));
    for (const Translation& translation :
         translate_text(some, options.value(), model.value().pieces, model.value().model, *executor)) {
      translations.push_back(translation.text);
      cut_short.add(translation);
    }
    bar.update(std::ssize(translations));
  }
  bar.finish();
  cut_short.tell(model.value().config.shape.decoder.max_length - 1);
  return translations;
}

Status write_lines(const std::string& path, std::span<const std::string> lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return write_file(path, text);
}

std::string report(double bleu, int64_t sentences, bool as_json) {
  const std::string signature = fmt::format("{}|version:attend-{}", kTranslationSignature, ATTEND_VERSION);
  if (!as_json)
    return fmt::format("sentences {:>7}\nBLEU      {:>7.2f}\nsignature {}\n", sentences, bleu, signature);
  return json_line({{"sentences", sentences}, {"bleu", bleu}, {"signature", signature}});
}

int evaluate(const EvalTranslateArguments& arguments) {
  if (arguments.source.empty() == arguments.translations.empty())
    return fail("eval-translate: needs --source, or --translations instead", kUsageError);
  if (Status status = can_write(arguments.write); !status.ok()) return fail(status.message(), kSomeFailed);
  const Result<std::vector<std::string>> references = read_lines(arguments.references);
  if (!references.ok()) return fail(references.status().message(), kSomeFailed);
  const Result<std::vector<std::string>> translations =
      arguments.translations.empty() ? translated(arguments) : read_lines(arguments.translations);
  if (!translations.ok()) return fail(translations.status().message(), kSomeFailed);
  const std::vector<std::string>&said = translations.value(), &known = references.value();
  if (said.size() != known.size() || said.empty()) {
    return fail(
        fmt::format("{} has {} lines where {} has {}", arguments.references, known.size(),
                    arguments.translations.empty() ? arguments.source : arguments.translations, said.size()),
        kSomeFailed);
  }
  if (!arguments.write.empty()) {
    if (Status status = write_lines(arguments.write, said); !status.ok())
      return fail(status.message(), kSomeFailed);
  }
  BleuCounts counts;
  for (size_t i = 0; i < said.size(); ++i) add_translation(said[i], known[i], counts);
  const Status status = write_standard_output(report(counts.smoothed(), std::ssize(said), arguments.json));
  return status.ok() ? static_cast<int>(kDone) : fail(status.message(), kSomeFailed);
}

}  // namespace

Command eval_translate_command(CLI::App& program) {
  CLI::App* options =
      program.add_subcommand("eval-translate", "Score translations by BLEU, as sacreBLEU counts it");
  const auto arguments = std::make_shared<EvalTranslateArguments>();
  not_empty(
      options->add_option("--references", arguments->references, "What people wrote, a sentence a line"))
      ->required()
      ->type_name("FILE");
  CLI::Option* source =
      not_empty(options->add_option("--source", arguments->source, "Sentences to translate and score"))
          ->type_name("FILE");
  CLI::Option* translations = not_empty(options->add_option("--translations", arguments->translations,
                                                            "Score the lines of this file instead"))
                                  ->type_name("FILE")
                                  ->excludes(source);
  add_translation_choices(*options, arguments->choices, arguments->model);
  for (const char* of_the_model : {"--model", "--beam", "--length-exponent", "--batch"})
    translations->excludes(options->get_option(of_the_model));
  not_empty(options->add_option("--write", arguments->write, "Write the translations to this file"))
      ->type_name("FILE")
      ->needs(source);
  add_threads_option(*options, arguments->threads);
  options->add_flag("--json", arguments->json, "Print one JSON object");
  return {options, [arguments] { return evaluate(*arguments); }};
}

}  // namespace attend
