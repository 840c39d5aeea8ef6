#include "cli/translation_source.h"

#include <CLI/CLI.hpp>

#include "cli/model_source.h"
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
  command.add_option("--model", model, "A model file instead of the one inside the program")
      ->type_name("FILE");
  command.add_option("--beam", choices.beam, "Width of the beam search; the model's own unless given")
      ->check(CLI::Range(1, 1024));
  command
      .add_option("--length-exponent", choices.length_exponent,
                  "Sentences are ranked by log-probability / length^this; the model's own unless given")
      ->check(CLI::Range(0.0, 10.0));
  command.add_option("--batch", choices.at_once, "Sentences of like length that are searched together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
}

Result<TranslationOptions> merged(const TranslationConfig& config, const TranslationChoices& choices) {
  TranslationOptions options{config.generation, choices.at_once};
  if (choices.beam != 0) options.generation.beam = choices.beam;
  if (choices.length_exponent >= 0) options.generation.length_exponent = choices.length_exponent;
  ATTEND_RETURN_IF_ERROR(check(options.generation));
  if (options.generation.beam == 1) options.generation.method = GenerationOptions::Method::kGreedy;
  return options;
}

}  // namespace attend
