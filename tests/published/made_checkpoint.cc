#include "published/made_checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <numeric>
#include <span>

#include "base/random.h"
#include "checkpoint/safetensors.h"

namespace attend {
namespace {

/// FNV-1a, 64 bits.
uint64_t name_hash(const std::string& name) {
  uint64_t hash = 0xcbf29ce484222325u;
  for (const char byte : name) hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3u;
  return hash;
}

bool holds(const std::string& name, const char* part) {
  return name.find(part) != std::string::npos;
}

std::vector<float> weights_of(const std::string& name, const std::vector<int64_t>& shape) {
  const int64_t count = std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies());
  double centre = 0, spread = 1.7 / std::sqrt(static_cast<double>(count / shape[0]));
  if (shape.size() == 1) {
    centre = name.ends_with("weight") ? 1.0 : 0.0;
    spread = name.ends_with("weight") ? 0.3 : 0.2;
  } else if (holds(name, "embedding") || holds(name, "token") || holds(name, ".wte.") ||
             holds(name, ".wpe.")) {
    spread = 0.6;
  }
  const RandomKey key(name_hash(name));
  std::vector<float> weights(static_cast<size_t>(count));
  for (size_t i = 0; i < weights.size(); ++i) {
    weights[i] = static_cast<float>(centre + spread * (2.0 * key.uniform(i) - 1.0));
  }
  return weights;
}

void write_tensors(const std::string& path, const std::map<std::string, std::vector<int64_t>>& shapes,
                   const std::string& dtype) {
  const StoredType stored = dtype == "float16"    ? StoredType::kFloat16
                            : dtype == "bfloat16" ? StoredType::kBFloat16
                                                  : StoredType::kFloat32;
  std::vector<std::vector<float>> values;
  for (const auto& [name, shape] : shapes) values.push_back(weights_of(name, shape));
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, shape] : shapes) tensors.push_back({name, shape, values[tensors.size()], stored});
  const Status status = write_safetensors(path, tensors, {{"format", "pt"}});
  ASSERT_TRUE(status.ok()) << status.message();
}

}  // namespace

const Json& published_golden() {
  static const Json golden = [] {
    std::ifstream file(ATTEND_GOLDEN_DIR "/published.json");
    return Json::parse(file);
  }();
  return golden;
}

const Json& golden_case(const std::string& name) {
  for (const Json& one : published_golden()["cases"]) {
    if (one["name"] == name) return one;
  }
  ADD_FAILURE() << "no case " << name;
  return published_golden();
}

MadeCheckpoint::MadeCheckpoint(const Json& golden)
    : tensors(golden["tensors"].get<std::map<std::string, std::vector<int64_t>>>()),
      files(golden["files"].get<std::map<std::string, std::string>>()),
      dtype(golden["dtype"]),
      shards(golden["shards"]) {}

std::string MadeCheckpoint::write(const TemporaryFolder& folder) const {
  for (const auto& [name, text] : files) folder.file(name, text);
  if (!shards) {
    write_tensors(folder / "model.safetensors", tensors, dtype);
    return folder.path();
  }
  std::map<std::string, std::map<std::string, std::vector<int64_t>>> parts;
  Json map;
  size_t i = 0;
  for (const auto& [name, shape] : tensors) {
    const std::string file =
        i++ % 2 == 0 ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
    parts[file][name] = shape;
    map[name] = file;
  }
  for (const auto& [file, shapes] : parts) write_tensors(folder / file, shapes, dtype);
  folder.file("model.safetensors.index.json", Json{{"metadata", Json::object()}, {"weight_map", map}}.dump());
  return folder.path();
}

}  // namespace attend
