#include "published/generation_settings.h"

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <system_error>

#include "language/generation.h"
#include "published/config_file.h"

namespace attend {
namespace {

using Json = nlohmann::json;

constexpr size_t kMostBytes = size_t{1} << 20;
constexpr int64_t kMostLength = int64_t{1} << 20, kDefaultNewTokens = 20;

constexpr std::array kKnown = {"max_length",
                               "max_new_tokens",
                               "min_length",
                               "min_new_tokens",
                               "num_beams",
                               "length_penalty",
                               "early_stopping",
                               "no_repeat_ngram_size",
                               "do_sample",
                               "repetition_penalty",
                               "bos_token_id",
                               "eos_token_id",
                               "decoder_start_token_id"};

/// Settings that change the tokens, and what they are where they do not.
struct Unknown {
  const char* key;
  Json idle;
};

const std::vector<Unknown>& unknown_settings() {
  static const std::vector<Unknown> settings = {{"num_beam_groups", 1},
                                                {"diversity_penalty", 0.0},
                                                {"penalty_alpha", nullptr},
                                                {"encoder_repetition_penalty", 1.0},
                                                {"encoder_no_repeat_ngram_size", 0},
                                                {"bad_words_ids", nullptr},
                                                {"force_words_ids", nullptr},
                                                {"constraints", nullptr},
                                                {"forced_bos_token_id", nullptr},
                                                {"forced_eos_token_id", nullptr},
                                                {"suppress_tokens", nullptr},
                                                {"begin_suppress_tokens", nullptr},
                                                {"sequence_bias", nullptr},
                                                {"exponential_decay_length_penalty", nullptr},
                                                {"guidance_scale", 1.0},
                                                {"stop_strings", nullptr},
                                                {"renormalize_logits", false},
                                                {"remove_invalid_values", false},
                                                {"watermarking_config", nullptr}};
  return settings;
}

Status check_unknown(const SettingsSource& source) {
  for (const auto& [key, idle] : unknown_settings()) {
    const auto field = source.settings.find(key);
    if (field == source.settings.end() || field->is_null() || *field == idle) continue;
    return {StatusCode::kUnsupported,
            fmt::format("{}: {} changes what is said in a way that this version does not know", source.file,
                        key)};
  }
  return {};
}

std::optional<int64_t> optional_integer(const ConfigFields& fields, const char* key) {
  if (!fields.has(key)) return std::nullopt;
  return fields.integer(key, 0, kMostLength);
}

TokenSearchOptions::EarlyStopping read_early_stopping(const ConfigFields& fields) {
  using EarlyStopping = TokenSearchOptions::EarlyStopping;
  const Json* field = fields.find("early_stopping");
  if (field != nullptr && *field == "never") return EarlyStopping::kNever;
  if (field != nullptr && !field->is_boolean()) {
    fields.complain_of("early_stopping", "is none of true, false and \"never\"");
    return EarlyStopping::kNo;
  }
  return fields.flag("early_stopping", false) ? EarlyStopping::kYes : EarlyStopping::kNo;
}

Status refuse(std::string what) {
  return {StatusCode::kInvalidArgument, std::move(what)};
}

}  // namespace

Result<SettingsSource> find_settings(const std::string& folder, const Json& config, const Json& part) {
  SettingsSource source;
  source.file = folder + "/generation_config.json";
  std::error_code ignored;
  if (std::filesystem::exists(source.file, ignored)) {
    Result<Json> parsed = read_json_file(source.file, kMostBytes);
    if (!parsed.ok()) return parsed.status();
    source.settings = std::move(parsed).value();
    return source;
  }
  source.file = folder + "/config.json";
  const auto take = [&](const std::string& key) {
    for (const Json* from : {&config, &part}) {
      const auto field = from->find(key);
      if (field == from->end() || field->is_null()) continue;
      source.settings[key] = *field;
      return;
    }
  };
  for (const char* key : kKnown) take(key);
  for (const Unknown& unknown : unknown_settings()) take(unknown.key);
  return source;
}

Result<GenerationSettings> read_settings(const SettingsSource& source,
                                         std::initializer_list<const char*> start_keys, int64_t vocabulary) {
  ATTEND_RETURN_IF_ERROR(check_unknown(source));
  Status status;
  const ConfigFields fields(source.settings, source.file, "", status);
  GenerationSettings settings;
  settings.max_length = optional_integer(fields, "max_length");
  settings.max_new_tokens = optional_integer(fields, "max_new_tokens");
  settings.min_length = optional_integer(fields, "min_length");
  settings.min_new_tokens = optional_integer(fields, "min_new_tokens");
  settings.draws = fields.flag("do_sample", false);
  settings.search.beams = static_cast<int>(fields.integer("num_beams", kBeams.least, kBeams.most, 1));
  settings.search.length_penalty =
      fields.number("length_penalty", kPublishedLengthExponents.least, kPublishedLengthExponents.most, 1.0);
  settings.search.early_stopping = read_early_stopping(fields);
  settings.search.no_repeat_ngram =
      static_cast<int>(fields.integer("no_repeat_ngram_size", 0, kMostLength, 0));
  settings.search.repetition_penalty = fields.number("repetition_penalty", 1e-6, 1e6, 1.0);
  for (const int64_t end : fields.integers("eos_token_id", 0, vocabulary - 1)) {
    settings.search.ends.push_back(static_cast<int32_t>(end));
  }
  for (const char* key : start_keys) {
    if (settings.start || !fields.has(key)) continue;
    settings.start = static_cast<int32_t>(fields.integer(key, 0, vocabulary - 1));
  }
  if (!settings.start) fields.complain_of(*start_keys.begin(), "is missing");
  if (!status.ok()) return status;
  return settings;
}

Result<TokenSearchOptions> search_options(const GenerationSettings& settings, const CaptionOptions& asked,
                                          int64_t prompt_length) {
  TokenSearchOptions search = settings.search;
  search.beams = asked.beam.value_or(search.beams);
  search.length_penalty = asked.length_exponent.value_or(search.length_penalty);
  search.no_repeat_ngram = asked.no_repeat_ngram.value_or(search.no_repeat_ngram);
  search.keep_attention = asked.attention;
  if (asked.sample_seed) {
    search.beams = 1;
    search.drawn = RandomKey(*asked.sample_seed);
    search.temperature = asked.temperature.value_or(search.temperature);
  } else if (settings.draws && !asked.beam) {
    return Status(
        StatusCode::kUnsupported,
        "do_sample is true in this checkpoint's settings: choose a beam, greedy search or sampling");
  }
  int64_t most = kDefaultNewTokens + prompt_length;
  if (settings.default_most) most = std::min(most, *settings.default_most);
  search.max_length =
      settings.max_new_tokens ? *settings.max_new_tokens + prompt_length : settings.max_length.value_or(most);
  // As with the greatest length, the number of new tokens counts where both are given.
  search.min_length =
      settings.min_new_tokens ? *settings.min_new_tokens + prompt_length : settings.min_length.value_or(0);
  if (asked.max_words) search.max_length = *asked.max_words;
  if (asked.min_words) search.min_length = *asked.min_words;
  if (!kBeams.hold(search.beams)) {
    return refuse(
        fmt::format("beam is {}, and must be from {} to {}", search.beams, kBeams.least, kBeams.most));
  }
  if (!(search.temperature >= 1e-3 && search.temperature <= 1e3)) {
    return refuse(fmt::format("temperature is {}, and must be from 0.001 to 1000", search.temperature));
  }
  if (constexpr auto kBounds = kPublishedLengthExponents; !kBounds.hold(search.length_penalty)) {
    return refuse(fmt::format("length_exponent is {}, and must be from {} to {}", search.length_penalty,
                              kBounds.least, kBounds.most));
  }
  if (search.no_repeat_ngram < 0)
    return refuse(fmt::format("no_repeat_ngram is {}, and must be at least 0", search.no_repeat_ngram));
  return search;
}

}  // namespace attend
