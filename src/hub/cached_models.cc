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

/// What the cache has of a repository beside `main`: other revisions by name, then commits without one.
std::vector<CachedModel> beside_main(const std::string& cache, const std::string& short_name,
                                     const std::string& repository, const KnownModel* known) {
  std::vector<CachedModel> models;
  const CachedRepository cached(cache, repository);
  for (const std::string& revision : cached.revisions()) {
    if (revision != "main") models.push_back(look_at(cache, short_name, repository, revision, known));
  }
  for (const std::string& commit : cached.unnamed_commits()) {
    CachedModel model = look_at(cache, short_name, repository, commit, known);
    if (model.snapshot.state == Snapshot::State::kWhole) models.push_back(std::move(model));
  }
  return models;
}

/// Of a repository whose main is here, or was begun: whether it is a captioner's.
bool main_is_captioner(const CachedRepository& cached, const Snapshot& main) {
  if (!main.folder.empty()) return is_captioner(main.folder);
  if (main.state == Snapshot::State::kAbsent) return false;
  const std::vector<std::string> commits = cached.unnamed_commits();
  return std::any_of(commits.begin(), commits.end(),
                     [&cached](const std::string& commit) { return is_captioner(cached.snapshot(commit)); });
}

}  // namespace

std::vector<CachedModel> cached_models(const std::string& cache) {
  std::vector<CachedModel> models;
  for (const KnownModel& known : known_models()) {
    const std::string repository(known.repository), name(known.name);
    models.push_back(look_at(cache, name, repository, "main", &known));
    for (CachedModel& model : beside_main(cache, name, repository, &known))
      models.push_back(std::move(model));
  }
  for (const std::string& repository : cached_repositories(cache)) {
    const auto is_this = [&repository](const KnownModel& known) { return known.repository == repository; };
    if (std::any_of(known_models().begin(), known_models().end(), is_this)) continue;
    CachedModel main = look_at(cache, repository, repository, "main", nullptr);
    if (main_is_captioner(CachedRepository(cache, repository), main.snapshot))
      models.push_back(std::move(main));
    for (CachedModel& model : beside_main(cache, repository, repository, nullptr)) {
      if (is_captioner(model.snapshot.folder)) models.push_back(std::move(model));
    }
  }
  return models;
}

}  // namespace attend
