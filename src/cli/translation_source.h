// Where the commands that translate get their model from.
#ifndef ATTEND_CLI_TRANSLATION_SOURCE_H_
#define ATTEND_CLI_TRANSLATION_SOURCE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "attend/status.h"
#include "translation/translation_file.h"
#include "translation/translator.h"

namespace CLI {
class App;
}

namespace attend {

/// The model file at `path`, or with an empty path the one inside the program. Errors: the file's; kNotFound
/// when the program was built without one, saying what to do.
Result<LoadedTranslationModel> load_translator(const std::string& path);

/// What the two commands that search for translations let people choose; what is absent is the model's own.
struct TranslationChoices {
  std::optional<int> beam;
  std::optional<double> length_exponent;
  int64_t at_once = 32;
};

/// Adds options that fill `choices` and `model`, which must outlive the command.
void add_translation_choices(CLI::App& command, TranslationChoices& choices, std::string& model);

/// The model's own choices and those that were made instead. Errors: kInvalidArgument.
Result<TranslationOptions> merged(const TranslationConfig& config, const TranslationChoices& choices);

}  // namespace attend

#endif  // ATTEND_CLI_TRANSLATION_SOURCE_H_
