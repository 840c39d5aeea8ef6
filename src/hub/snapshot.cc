#include "hub/snapshot.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>
#include <vector>

#include "hub/hub_cache.h"
#include "hub/wanted_files.h"

namespace attend {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

bool is_there(const std::string& folder, std::string_view file) {
  return size_of_file(folder + "/" + std::string(file)).value_or(0) > 0;
}

/// The files that an index of weights names; none when it is no index.
std::set<std::string> shards_of(const std::string& index) {
  constexpr uint64_t kMostBytes = 64 << 20;
  if (size_of_file(index).value_or(kMostBytes) >= kMostBytes) return {};
  std::ifstream file(index, std::ios::binary);
  std::set<std::string> names;
  const auto look = [&names](int depth, Json::parse_event_t event, Json& value) {
    constexpr int kMapDepth = 2;  // {"weight_map": {tensor: file}}
    if (event == Json::parse_event_t::value && depth == kMapDepth && value.is_string() &&
        is_shard(value.get_ref<const std::string&>()))
      names.insert(value.get<std::string>());
    return depth <= kMapDepth;
  };
  const Json parsed = Json::parse(file, look, /*allow_exceptions=*/false);
  return parsed.is_discarded() ? std::set<std::string>() : names;
}

/// The first file that a captioner needs and that is not there; empty when all are.
std::string missing_in(const std::string& folder) {
  if (!is_there(folder, kConfigFile)) return std::string(kConfigFile);
  constexpr std::string_view kTokenizer = "tokenizer.json";
  const auto tokenizers = {kTokenizer, std::string_view("vocab.txt"), std::string_view("vocab.json")};
  if (std::none_of(tokenizers.begin(), tokenizers.end(),
                   [&folder](std::string_view file) { return is_there(folder, file); }))
    return std::string(kTokenizer);
  if (is_there(folder, kWeightsFile)) return {};
  const std::set<std::string> shards = shards_of(folder + "/" + std::string(kWeightsIndex));
  if (shards.empty()) return std::string(kWeightsFile);
  const auto gone = std::find_if(shards.begin(), shards.end(),
                                 [&folder](const std::string& shard) { return !is_there(folder, shard); });
  return gone == shards.end() ? std::string() : *gone;
}

uint64_t bytes_in(const std::string& folder) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error))
    bytes += size_of_file(entry->path().string()).value_or(0);
  return bytes;
}

/// Whether a pull was begun that never came to its end: it writes the reference last.
bool has_loose_parts(const CachedRepository& repository) {
  const std::vector<std::string> commits = repository.unnamed_commits();
  const auto in_part = [&repository](const std::string& commit) {
    return !missing_in(repository.snapshot(commit)).empty();
  };
  if (std::any_of(commits.begin(), commits.end(), in_part)) return true;
  std::error_code error;
  for (fs::directory_iterator entry(repository.folder() + "/blobs", error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == ".incomplete") return true;
  }
  return false;
}

}  // namespace

const char* name_of(Snapshot::State state) {
  switch (state) {
    case Snapshot::State::kAbsent:
      return "absent";
    case Snapshot::State::kPartial:
      return "partial";
    case Snapshot::State::kWhole:
      return "whole";
  }
  return "";
}

Snapshot find_snapshot(const std::string& cache, const ModelName& name) {
  const CachedRepository repository(cache, name.repository);
  Snapshot found;
  std::error_code error;
  if (const std::optional<std::string> commit = repository.commit_of(name.revision);
      commit && fs::is_directory(repository.snapshot(*commit), error)) {
    found.folder = repository.snapshot(*commit);
    found.commit = *commit;
    found.missing = missing_in(found.folder);
    found.bytes = bytes_in(found.folder);
    found.state = found.missing.empty() ? Snapshot::State::kWhole : Snapshot::State::kPartial;
  } else if (has_loose_parts(repository)) {
    found.state = Snapshot::State::kPartial;
    found.missing = kWeightsFile;
    found.bytes = bytes_in(repository.folder() + "/blobs");
  }
  return found;
}

}  // namespace attend
