#include "training/recorded_recipe.h"

#include <nlohmann/json.hpp>

#include "base/atomic_file.h"
#include "base/mapped_file.h"
#include "training/content_hash.h"

namespace attend {
namespace {

using Json = nlohmann::ordered_json;

/// The first member in which two objects differ, as "NAME was A, now B"; empty when there is none.
std::string difference(const Json& was, const Json& now) {
  for (const auto& [name, value] : now.items()) {
    if (!was.contains(name)) return name + " was not recorded, now " + value.dump();
    if (was[name] != value) return name + " was " + was[name].dump() + ", now " + value.dump();
  }
  for (const auto& [name, value] : was.items()) {
    if (!now.contains(name)) return name + " was " + value.dump() + ", now is not chosen";
  }
  return {};
}

}  // namespace

Json fingerprints(std::span<const std::string> files) {
  Json start = Json::array();
  for (const std::string& path : files) {
    const Result<MappedFile> file = MappedFile::open(path);
    if (!file.ok()) continue;
    ContentHash hash;
    hash.add(file.value().bytes());
    start.push_back(hash.text());
  }
  return start;
}

std::string recipe_text(const Json& choices) {
  return choices.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Status record_recipe(const std::string& path, const std::string& description) {
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok() && file.status().code() == StatusCode::kNotFound) return write_file(path, description);
  if (!file.ok()) return file.status();
  const std::span<const std::byte> bytes = file.value().bytes();
  const char* text = reinterpret_cast<const char*>(bytes.data());
  const Json recorded = Json::parse(text, text + bytes.size(), nullptr, false);
  if (!recorded.is_object()) return {StatusCode::kCorrupt, path + ": not a JSON object"};
  const std::string differs = difference(recorded, Json::parse(description));
  if (differs.empty()) return {};
  return {StatusCode::kInvalidArgument, path + ": the run was begun with other choices: " + differs};
}

}  // namespace attend
