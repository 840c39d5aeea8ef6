#include "cli/translation_source.h"

#include "cli/checked_options.h"
#include "cli/model_source.h"
#include "language/generation.h"
#include "translation/embedded_translation_model.h"

namespace attend {

Result<LoadedTranslationModel> load_translator(const std::string& path) {
  if (path.empty() && embedded_translation_model().empty()) {
    return Status(StatusCode::kNotFound,
                  "this program has no built-in translation model: name a model file with --model");
  }
  const Result<Safetensors> file = path.empty()
                                       ? Safetensors::parse(embedded_translation_model(), kBuiltInModel)
                                       : Safetensors::open(path);
  if (!file.ok()) return file.status();
  return load_translation_model(file.value());
}

void add_translation_choices(CLI::App& command, TranslationChoices& choices, std::string& model) {
  not_empty(command.add_option("--model", model, "A model file instead of the one inside the program"))
      ->type_name("FILE");
  add_number(command, "--beam", choices.beam, kOfferedBeams,
             "Width of the beam search; the model's own unless given");
  add_number(command, "--length-exponent", choices.length_exponent, kLengthExponents,
             "Sentences are ranked by log-probability / length^N; the model's own unless given");
  add_number(command, "--batch", choices.at_once, {1, 4096},
             "Sentences of like length that are searched together");
}

Result<TranslationOptions> merged(const TranslationConfig& config, const TranslationChoices& choices) {
  TranslationOptions options{config.generation, choices.at_once};
  options.generation.beam = choices.beam.value_or(options.generation.beam);
  options.generation.length_exponent = choices.length_exponent.value_or(options.generation.length_exponent);
  ATTEND_RETURN_IF_ERROR(check(options.generation));
  if (options.generation.beam == 1) options.generation.method = GenerationOptions::Method::kGreedy;
  return options;
}

}  // namespace attend
