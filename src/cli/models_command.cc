#include "cli/models_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "captioner/embedded_model.h"
#include "cli/format_option.h"
#include "cli/json_line.h"
#include "cli/model_source.h"
#include "cli/printable.h"
#include "cli/standard_output.h"
#include "hub/cached_models.h"
#include "hub/hub_settings.h"

namespace attend {
namespace {

using Json = nlohmann::ordered_json;

/// A line of the table, whose cells are as wide as the widest of their column.
using Cells = std::array<std::string, 5>;

std::string megabytes(uint64_t bytes) {
  constexpr uint64_t kMegabyte = 1'000'000;
  return fmt::format("{} MB", (bytes + kMegabyte / 2) / kMegabyte);
}

constexpr const char* kBuiltInLicence = "non-commercial";

std::string where(const Snapshot& snapshot, const KnownModel* known) {
  switch (snapshot.state) {
    case Snapshot::State::kAbsent:
      return "-";
    case Snapshot::State::kPartial:
      return fmt::format("in part, {}", megabytes(snapshot.bytes));
    case Snapshot::State::kWhole:
      return known == nullptr ? "here" : fmt::format("here, {}", megabytes(snapshot.bytes));
  }
  return "";
}

Cells cells_of(const CachedModel& model) {
  const uint64_t bytes = model.known != nullptr ? model.known->bytes : model.snapshot.bytes;
  return {model.name.asked, model.name.repository, megabytes(bytes),
          model.known != nullptr ? std::string(model.known->licence) : "-",
          where(model.snapshot, model.known)};
}

std::string table(const std::vector<CachedModel>& models) {
  std::vector<Cells> lines = {{"NAME", "MODEL", "SIZE", "LICENCE", "ON THIS MACHINE"}};
  if (!embedded_model().empty())
    lines.push_back({"(default)", kBuiltInModel, megabytes(embedded_model().size()), kBuiltInLicence,
                     "inside the program"});
  for (const CachedModel& model : models) lines.push_back(cells_of(model));
  std::array<size_t, std::tuple_size_v<Cells>> widths{};
  for (Cells& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) {
      line[i] = printable(line[i]);
      widths[i] = std::max(widths[i], line[i].size());
    }
  }
  std::string text;
  for (const Cells& line : lines) {
    for (size_t i = 0; i + 1 < line.size(); ++i)
      text +=
          i == 2 ? fmt::format("{:>{}}  ", line[i], widths[i]) : fmt::format("{:<{}}  ", line[i], widths[i]);
    text += line.back() + "\n";
  }
  return text;
}

Json row_of(const CachedModel& model) {
  const Snapshot& here = model.snapshot;
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  return {{"name", model.name.asked},
          {"model", model.name.repository},
          {"revision", model.name.revision},
          {"bytes", model.known != nullptr ? Json(model.known->bytes) : Json(nullptr)},
          {"licence", model.known != nullptr ? Json(model.known->licence) : Json(nullptr)},
          {"description", model.known != nullptr ? Json(model.known->description) : Json(nullptr)},
          {"state", name_of(here.state)},
          {"bytes here", here.bytes},
          {"missing", text_or_null(here.missing)},
          {"commit", text_or_null(here.commit)},
          {"folder", text_or_null(here.folder)}};
}

std::string rows(const std::vector<CachedModel>& models) {
  std::vector<Json> objects;
  if (!embedded_model().empty()) {
    objects.push_back({{"name", kBuiltInModel},
                       {"bytes", embedded_model().size()},
                       {"licence", kBuiltInLicence},
                       {"state", "built in"}});
  }
  for (const CachedModel& model : models) objects.push_back(row_of(model));
  std::string text;
  for (const Json& object : objects) text += json_line(object);
  return text;
}

int list_models(bool json_lines) {
  const std::vector<CachedModel> models = cached_models(hub_cache_folder());
  const Status status = write_standard_output(json_lines ? rows(models) : table(models));
  return status.ok() ? kDone : fail(status.message(), kSomeFailed);
}

}  // namespace

Command models_command(CLI::App& program) {
  CLI::App* options =
      program.add_subcommand("models", "Captioners that are known, and which are on this machine");
  const auto json_lines = std::make_shared<bool>(false);
  add_format_option(*options, "text: a line a model. jsonl: an object a row, with its folder",
                    [json_lines](bool chosen) { *json_lines = chosen; });
  options->footer("'attend pull NAME' brings a model, 'attend caption --model NAME' captions with it.");
  return {options, [json_lines] { return list_models(*json_lines); }};
}

}  // namespace attend
