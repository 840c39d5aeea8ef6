// How a checkpoint's makers wanted its captions to be looked for.
#ifndef ATTEND_PUBLISHED_GENERATION_SETTINGS_H_
#define ATTEND_PUBLISHED_GENERATION_SETTINGS_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "attend/captioner.h"
#include "attend/status.h"
#include "language/token_search.h"

namespace attend {

/// What transformers' `generate` takes from generation_config.json or, where there is none, from config.json.
struct GenerationSettings {
  TokenSearchOptions search;  // but for the lengths, which follow from the prompt's
  std::optional<int64_t> max_length, max_new_tokens, min_length, min_new_tokens;
  std::optional<int32_t> start;         // what comes before the first token
  std::optional<int64_t> default_most;  // bounds the length where nobody chose one
  bool draws = false;                   // do_sample
};

/// Where the settings are: a JSON object and the file it came from, for messages.
struct SettingsSource {
  nlohmann::json settings = nlohmann::json::object();
  std::string file;
};

/// generation_config.json of the folder; else the fields of `config`, and those of `part` (a decoder's own
/// config) where that has none.
Result<SettingsSource> find_settings(const std::string& folder, const nlohmann::json& config,
                                     const nlohmann::json& part);

/// `start_keys`: the first of these that is there is the start. Errors: kCorrupt naming file and field,
/// kUnsupported for a setting that would change the tokens and is not known here.
Result<GenerationSettings> read_settings(const SettingsSource& source,
                                         std::initializer_list<const char*> start_keys, int64_t vocabulary);

/// The search for a prompt of `prompt_length` tokens, with what the caller asks for instead of the settings.
/// Errors: kInvalidArgument naming the option; kUnsupported where the settings ask for drawing and the caller
/// does not choose.
Result<TokenSearchOptions> search_options(const GenerationSettings& settings, const CaptionOptions& asked,
                                          int64_t prompt_length);

}  // namespace attend

#endif  // ATTEND_PUBLISHED_GENERATION_SETTINGS_H_
