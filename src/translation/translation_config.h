// The numbers that describe a translation model, as they stand in its file.
#ifndef ATTEND_TRANSLATION_TRANSLATION_CONFIG_H_
#define ATTEND_TRANSLATION_TRANSLATION_CONFIG_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "attend/status.h"
#include "language/generation.h"
#include "translation/translation_model.h"

namespace attend {

struct TranslationConfig {
  std::string source = "en", target = "de";  // languages
  TranslationModelShape shape;               // the dropout rates are not stored: a loaded model has none
  GenerationOptions generation;              // beam and length_exponent are stored
};

/// Errors: kInvalidArgument naming the field, its value and its range: sizes that no model has, heads that do
/// not divide the width, an encoder of another width than the decoder.
Status check(const TranslationConfig& config);

/// As JSON objects of one line. parse_translation_config() reads them back.
std::string shape_json(const TranslationConfig& config);
std::string generation_json(const TranslationConfig& config);

/// `name` (the file) stands in messages. Errors: kCorrupt naming the field: one that is missing, unknown, of
/// another type, or refused by check().
Result<TranslationConfig> parse_translation_config(std::string_view shape_json,
                                                   std::string_view generation_json, const std::string& name);

/// How many numbers a model of this shape has; no overflow for a shape that passes check().
int64_t parameter_count(const TranslationModelShape& shape);

}  // namespace attend

#endif  // ATTEND_TRANSLATION_TRANSLATION_CONFIG_H_
