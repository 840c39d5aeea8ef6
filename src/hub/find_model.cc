#include "hub/find_model.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "hub/known_models.h"
#include "hub/model_name.h"
#include "hub/snapshot.h"

namespace attend {
namespace {

/// "blipbase", but neither "model.safetensors" nor "../x" nor "photos/b/c".
bool is_meant_as_a_name(const std::string& text) {
  return text.find('/') == std::string::npos && !text.ends_with(".safetensors");
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
  return Status{StatusCode::kNotFound, fmt::format("{}: is not on this machine: 'attend pull {}' brings it",
                                                   name_or_path, name_or_path)};
}

}  // namespace attend
