#include "cli/info_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <utility>

#include "attend/captioner.h"
#include "attend/executor.h"
#include "attend/isa.h"
#include "captioner/embedded_model.h"
#include "cli/format_option.h"
#include "cli/json_line.h"
#include "cli/model_options.h"
#include "cli/model_source.h"
#include "cli/printable.h"
#include "cli/standard_output.h"
#include "cli/threads_option.h"
#include "translation/embedded_translation_model.h"
#include "translation/translation_file.h"

namespace attend {
namespace {

using Json = nlohmann::ordered_json;

struct InfoArguments {
  bool json = false;
  std::string model;
  WeightPrecision weights = WeightPrecision::kAsStored;
};

Json program_facts() {
  Json sets = Json::array();
  for (const Isa isa : isas()) sets.push_back(name(isa));
  return {{"version", ATTEND_VERSION},
          {"build", ATTEND_BUILD},
          {"instruction sets", sets},
          {"instruction set in use", name(isas().front())},
          {"threads", make_executor(0)->workers()}};
}

/// A note is text, or a JSON object (a recipe, say) of few levels: a hostile one of a million would overflow
/// the stack when it is written.
Json note(const std::string& text) {
  constexpr int kMostLevels = 4;
  bool deep = false;
  const auto look = [&deep](int depth, Json::parse_event_t, Json&) {
    deep = deep || depth > kMostLevels;
    return !deep;
  };
  Json parsed = Json::parse(text, look, /*allow_exceptions=*/false);
  return !deep && parsed.is_object() ? std::move(parsed) : Json(text);
}

/// What the file's own metadata says: that of the encoder first, then its makers' notes.
void add_metadata(const std::map<std::string, std::string>& metadata, Json& facts) {
  for (const char* key : {"name", "source", "licence"}) {
    const auto entry = metadata.find(std::string("encoder.") + key);
    if (entry != metadata.end()) facts[std::string("encoder ") + key] = entry->second;
  }
  constexpr std::string_view kNote = "note.";
  for (const auto& [key, value] : metadata) {
    if (!key.starts_with(kNote)) continue;
    facts[key.substr(kNote.size())] = note(value);
  }
}

Json size_facts(const std::string& name, const Captioner& model) {
  return {{"file", name},
          {"patches a side", model.grid()},
          {"features a patch", model.features()},
          {"parameters", model.parameters()},
          {"words", model.vocabulary()}};
}

/// Of a published checkpoint, whose notes this program has made.
Result<Json> checkpoint_facts(const InfoArguments& arguments) {
  const std::unique_ptr<Executor> executor = make_executor(0);
  const Result<Captioner> captioner = load_captioner(arguments.model, *executor, arguments.weights);
  if (!captioner.ok()) return captioner.status();
  Json facts = size_facts(arguments.model, captioner.value());
  for (const auto& [key, value] : captioner.value().notes()) facts[key] = value;
  return facts;
}

Result<Json> translation_facts(const Safetensors& file) {
  const Result<LoadedTranslationModel> model = load_translation_model(file);
  if (!model.ok()) return model.status();
  const TranslationConfig& config = model.value().config;
  Json facts = {{"file", file.name()},
                {"languages", Json::array({config.source, config.target})},
                {"parameters", parameter_count(config.shape)},
                {"pieces", config.shape.decoder.vocabulary}};
  add_metadata(file.metadata(), facts);
  return facts;
}

/// Of the model inside the program, if there is one.
Result<Json> built_in_translation_facts() {
  const Result<Safetensors> file = Safetensors::parse(embedded_translation_model(), kBuiltInModel);
  return file.ok() ? translation_facts(file.value()) : file.status();
}

Result<Json> model_facts(const InfoArguments& arguments) {
  std::string path;  // empty: the model inside the program
  if (!arguments.model.empty()) {
    const Result<std::string> found = model_path(arguments.model);
    if (!found.ok()) return found.status();
    path = found.value();
  }
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return checkpoint_facts(arguments);
  const Result<Safetensors> file = open_model(path);
  if (!file.ok()) return file.status();
  if (is_translation_model(file.value())) {
    if (arguments.weights == WeightPrecision::kAsStored) return translation_facts(file.value());
    return Status(StatusCode::kInvalidArgument,
                  path + ": only published models in a folder have their weights rounded");
  }
  const Result<Captioner> captioner = load_captioner(path, serial_executor(), arguments.weights);
  if (!captioner.ok()) return captioner.status();
  Json facts = size_facts(path.empty() ? kBuiltInModel : path, captioner.value());
  add_metadata(file.value().metadata(), facts);
  return facts;
}

std::string text_of(const Json& value) {
  if (value.is_string()) return printable(value.get<std::string>());
  if (!value.is_array()) return value.dump();
  std::string words;
  for (const Json& item : value) words += (words.empty() ? "" : " ") + text_of(item);
  return words;
}

/// A line a fact, "key: value", the model's after a line of their own.
std::string text_of_facts(const Json& facts) {
  std::string text;
  for (const auto& [key, value] : facts.items()) {
    text += value.is_object() && key.ends_with("model")
                ? fmt::format("\n{}\n{}", key, text_of_facts(value))
                : fmt::format("{:<24}{}\n", printable(key), text_of(value));
  }
  return text;
}

int info(const InfoArguments& arguments) {
  Json facts = program_facts();
  if (arguments.model.empty() && embedded_model().empty()) {
    facts["model"] = arguments.json ? Json(nullptr) : Json("none is built in");
  } else {
    const Result<Json> model = model_facts(arguments);
    if (!model.ok()) return fail_to_load("info", model.status(), arguments.weights);
    facts["model"] = model.value();
  }
  if (arguments.model.empty() && !embedded_translation_model().empty()) {
    const Result<Json> model = built_in_translation_facts();
    if (!model.ok()) return fail(model.status().message(), kSomeFailed);
    facts["translation model"] = model.value();
  }
  const Status status = write_standard_output(arguments.json ? json_line(facts) : text_of_facts(facts));
  return status.ok() ? kDone : fail(status.message(), kSomeFailed);
}

}  // namespace

Command info_command(CLI::App& program) {
  CLI::App* options = program.add_subcommand("info", "Version, instruction sets and models");
  const auto arguments = std::make_shared<InfoArguments>();
  add_format_option(*options, "text: a line a fact. jsonl: one object in one row",
                    [arguments](bool json_lines) { arguments->json = json_lines; });
  add_model_options(*options, arguments->model, arguments->weights);
  return {options, [arguments] { return info(*arguments); }};
}

}  // namespace attend
