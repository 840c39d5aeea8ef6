#include "checkpoint/checkpoint_folder.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <system_error>

#include "base/mapped_file.h"
#include "checkpoint/safetensors_header.h"

namespace attend {
namespace {

using Json = nlohmann::json;
using WeightMap = std::map<std::string, std::string>;

constexpr const char* kWeights = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr size_t kMostIndexBytes = size_t{64} << 20;

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

Status corrupt(const std::string& file, const std::string& what) {
  return {StatusCode::kCorrupt, file + ": " + what};
}

/// A name in the folder itself: an index cannot send the reader elsewhere.
bool is_plain_name(const std::string& name) {
  return !name.empty() && name.find('/') == std::string::npos && name.find('\0') == std::string::npos &&
         name != "." && name != "..";
}

Result<WeightMap> read_index(const std::string& path) {
  const Result<std::string> text = read_text_file(path, kMostIndexBytes);
  if (!text.ok()) return text.status();
  // Two levels and their values: what nests deeper is no index.
  bool deep = false;
  const auto look = [&deep](int depth, Json::parse_event_t, Json&) {
    deep = deep || depth > 4;
    return !deep;
  };
  const Json index = Json::parse(text.value(), look, /*allow_exceptions=*/false);
  if (deep || !index.is_object()) return corrupt(path, "is not a JSON object");
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object()) return corrupt(path, "has no weight_map");
  WeightMap files;
  for (const auto& [tensor, file] : map->items()) {
    if (!file.is_string() || !is_plain_name(file.get<std::string>())) {
      return corrupt(path, "weight_map." + quote_name(tensor) + " is not the name of a file in this folder");
    }
    files[tensor] = file.get<std::string>();
  }
  if (files.empty()) return corrupt(path, "weight_map is empty");
  return files;
}

Status no_weights(const std::string& folder) {
  if (exists(folder + "/pytorch_model.bin")) {
    return {StatusCode::kUnsupported,
            folder + ": has pytorch_model.bin, which can run code as it is read, and no model.safetensors"};
  }
  return {StatusCode::kNotFound, folder + ": has neither model.safetensors nor model.safetensors.index.json"};
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, size_t most_bytes) {
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  const std::span<const std::byte> bytes = file.value().bytes();
  if (bytes.size() > most_bytes) {
    return corrupt(path,
                   "has " + std::to_string(bytes.size()) + " bytes, more than " + std::to_string(most_bytes));
  }
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Status CheckpointFolder::add(const std::string& file_name, const WeightMap* weight_map) {
  const std::string path = path_ + "/" + file_name;
  Result<Safetensors> opened = Safetensors::open(path);
  if (!opened.ok()) return opened.status();
  const auto file = std::make_shared<const Safetensors>(std::move(opened).value());
  for (const auto& [name, tensor] : file->tensors()) {
    if (weight_map != nullptr) {
      const auto due = weight_map->find(name);
      if (due == weight_map->end() || due->second != file_name) {
        return corrupt(path, "holds the tensor " + quote_name(name) + ", and the index does not say so");
      }
    }
    tensors_[name] = {&tensor, file};
  }
  return {};
}

Result<CheckpointFolder> CheckpointFolder::open(const std::string& path) {
  CheckpointFolder folder(path);
  if (exists(path + "/" + kWeights)) {
    ATTEND_RETURN_IF_ERROR(folder.add(kWeights, nullptr));
    return folder;
  }
  const std::string index_path = path + "/" + kIndex;
  if (!exists(index_path)) return no_weights(path);
  const Result<WeightMap> map = read_index(index_path);
  if (!map.ok()) return map.status();
  std::set<std::string> files;
  for (const auto& [tensor, file] : map.value()) files.insert(file);
  for (const std::string& file : files) ATTEND_RETURN_IF_ERROR(folder.add(file, &map.value()));
  for (const auto& [tensor, file] : map.value()) {
    if (folder.tensors_.contains(tensor)) continue;
    return corrupt(path + "/" + file,
                   "lacks the tensor " + quote_name(tensor) + ", which the index says it holds");
  }
  return folder;
}

int64_t CheckpointFolder::bytes() const {
  int64_t bytes = 0;
  for (const auto& [name, tensor] : tensors_) bytes += static_cast<int64_t>(tensor.stored->bytes.size());
  return bytes;
}

}  // namespace attend
