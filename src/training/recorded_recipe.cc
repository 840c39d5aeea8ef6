#include "training/recorded_recipe.h"

#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "training/content_hash.h"

namespace attend {
namespace {

using Json = nlohmann::ordered_json;

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

std::string recipe_difference(const std::string& was, const std::string& now) {
  const Json before = Json::parse(was, nullptr, false), after = Json::parse(now, nullptr, false);
  if (!before.is_object() || !after.is_object()) return was == now ? "" : "one of them is no JSON object";
  for (const auto& [name, value] : after.items()) {
    if (!before.contains(name)) return name + " was not recorded, now " + value.dump();
    if (before[name] != value) return name + " was " + before[name].dump() + ", now " + value.dump();
  }
  for (const auto& [name, value] : before.items()) {
    if (!after.contains(name)) return name + " was " + value.dump() + ", now is not chosen";
  }
  return {};
}

}  // namespace attend
