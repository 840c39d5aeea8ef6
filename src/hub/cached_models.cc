#include "hub/cached_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string_view>
#include <system_error>
#include <utility>

#include "hub/hub_cache.h"
#include "hub/wanted_files.h"

namespace attend {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// OWNER/REPO for each folder models--OWNER--REPO, by name.
std::vector<std::string> cached_repositories(const std::string& cache) {
  constexpr std::string_view kPrefix = "models--", kBetween = "--";
  std::vector<std::string> repositories;
  std::error_code error;
  for (fs::directory_iterator entry(cache, error), end; !error && entry != end; entry.increment(error)) {
    const std::string folder = entry->path().filename().string();
    if (!folder.starts_with(kPrefix)) continue;
    const size_t between = folder.find(kBetween, kPrefix.size());  // no owner has two hyphens in its name
    if (between == std::string::npos) continue;
    std::string name = fmt::format("{}/{}", folder.substr(kPrefix.size(), between - kPrefix.size()),
                                   folder.substr(between + kBetween.size()));
    if (parse_model_name(name).ok()) repositories.push_back(std::move(name));
  }
  std::sort(repositories.begin(), repositories.end());
  return repositories;
}

/// What the model's settings call its architecture.
std::string model_type(const std::string& folder) {
  constexpr uint64_t kMostBytes = 1 << 20;
  constexpr int kTop = 1;
  const std::string path = folder + "/" + std::string(kConfigFile);
  if (folder.empty() || size_of_file(path).value_or(kMostBytes) >= kMostBytes) return {};
  std::ifstream file(path, std::ios::binary);
  // Only the fields of the object itself are kept.
  const auto keep = [](int depth, Json::parse_event_t, Json&) { return depth <= kTop; };
  const Json config = Json::parse(file, keep, /*allow_exceptions=*/false);
  const auto type = config.is_object() ? config.find("model_type") : config.end();
  return type != config.end() && type->is_string() ? type->get<std::string>() : std::string();
}

bool is_captioner(const std::string& folder) {
  constexpr std::array<std::string_view, 3> kTypes = {"blip", "git", "vision-encoder-decoder"};
  return std::find(kTypes.begin(), kTypes.end(), model_type(folder)) != kTypes.end();
}

CachedModel look_at(const std::string& cache, const std::string& short_name, const std::string& repository,
                    const std::string& revision, const KnownModel* known) {
  const ModelName name{revision == "main" ? short_name : fmt::format("{}@{}", short_name, revision),
                       repository, revision};
  return {name, known, find_snapshot(cache, name)};
}

}  // namespace

std::vector<CachedModel> cached_models(const std::string& cache) {
  std::vector<CachedModel> models;
  for (const KnownModel& known : known_models()) {
    const std::string repository(known.repository);
    models.push_back(look_at(cache, std::string(known.name), repository, "main", &known));
    for (const std::string& revision : CachedRepository(cache, repository).revisions()) {
      if (revision != "main")
        models.push_back(look_at(cache, std::string(known.name), repository, revision, &known));
    }
  }
  for (const std::string& repository : cached_repositories(cache)) {
    const auto is_this = [&repository](const KnownModel& known) { return known.repository == repository; };
    if (std::any_of(known_models().begin(), known_models().end(), is_this)) continue;
    for (const std::string& revision : CachedRepository(cache, repository).revisions()) {
      CachedModel model = look_at(cache, repository, repository, revision, nullptr);
      if (is_captioner(model.snapshot.folder)) models.push_back(std::move(model));
    }
  }
  return models;
}

}  // namespace attend
