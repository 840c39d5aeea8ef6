#include "hub/find_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "hub/hub_cache.h"
#include "hub/known_models.h"
#include "hub/model_name.h"
#include "hub/snapshot.h"

namespace attend {
namespace {

/// "blipbase", but neither "model.safetensors" nor "../x" nor "photos/b/c".
bool is_meant_as_a_name(const std::string& text) {
  return text.find('/') == std::string::npos && !text.ends_with(".safetensors");
}

/// A revision of the model that is whole on this machine, although the one that was asked for is not there.
std::optional<std::string> other_revision(const std::string& cache, const ModelName& name) {
  const CachedRepository repository(cache, name.repository);
  std::vector<std::string> revisions = repository.revisions();
  for (std::string& commit : repository.unnamed_commits()) revisions.push_back(std::move(commit));
  const auto whole = [&](const std::string& revision) {
    return find_snapshot(cache, {name.asked, name.repository, revision}).state == Snapshot::State::kWhole;
  };
  const auto found = std::find_if(revisions.begin(), revisions.end(), whole);
  return found == revisions.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

Result<std::string> find_model(const std::string& name_or_path, const std::string& cache) {
  std::error_code error;
  if (std::filesystem::exists(name_or_path, error)) return name_or_path;
  const Result<ModelName> name = parse_model_name(name_or_path);
  if (!name.ok()) {
    if (is_meant_as_a_name(name_or_path)) return name.status();
    return name_or_path;
  }
  if (name_or_path.ends_with(".safetensors")) return name_or_path;
  Snapshot found = find_snapshot(cache, name.value());
  if (found.state == Snapshot::State::kWhole) return std::move(found.folder);
  if (found.state == Snapshot::State::kPartial)
    return Status{
        StatusCode::kNotFound,
        fmt::format("{}: only part of it is in {} ({} is missing): 'attend pull {}' brings the rest",
                    name_or_path, cache, found.missing, name_or_path)};
  std::string message =
      fmt::format("{}: is not on this machine: 'attend pull {}' brings it", name_or_path, name_or_path);
  if (const std::optional<std::string> other = other_revision(cache, name.value()))
    message += fmt::format("; {}@{} is here", name_or_path.substr(0, name_or_path.find('@')), *other);
  return Status{StatusCode::kNotFound, message};
}

}  // namespace attend
