#include "hub/wanted_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace attend {
namespace {

constexpr std::array<std::string_view, 12> kSmallFiles = {kConfigFile,
                                                          "generation_config.json",
                                                          "preprocessor_config.json",
                                                          "processor_config.json",
                                                          kWeightsIndex,
                                                          "tokenizer.json",
                                                          "tokenizer_config.json",
                                                          "special_tokens_map.json",
                                                          "added_tokens.json",
                                                          "vocab.txt",
                                                          "vocab.json",
                                                          "merges.txt"};

/// The weights that the repository has instead, to be named in a message.
std::string other_weights(const ModelListing& listing) {
  for (const HubFile& file : listing.files) {
    for (const std::string_view ending :
         {".bin", ".pt", ".ckpt", ".h5", ".msgpack", ".onnx", ".gguf", ".safetensors"}) {
      if (file.name.ends_with(ending)) return fmt::format(", only {}", file.name);
    }
  }
  return "";
}

}  // namespace

bool is_small_wanted_file(std::string_view name) {
  return std::find(kSmallFiles.begin(), kSmallFiles.end(), name) != kSmallFiles.end();
}

bool is_shard(std::string_view name) {
  return name.starts_with("model-") && name.ends_with(".safetensors") &&
         name.find('/') == std::string_view::npos;
}

Result<std::vector<HubFile>> wanted_files(const ModelListing& listing, const ModelName& name) {
  const auto has = [&listing](std::string_view file) {
    return std::any_of(listing.files.begin(), listing.files.end(),
                       [file](const HubFile& listed) { return listed.name == file; });
  };
  const std::string where = fmt::format("{}: {} at {}", name.asked, name.repository, name.revision);
  if (!has(kConfigFile))
    return Status{StatusCode::kUnsupported, fmt::format("{} has no {}", where, kConfigFile)};
  const bool one_file = has(kWeightsFile), several = !one_file && has(kWeightsIndex);
  if (!one_file && !several)
    return Status{StatusCode::kUnsupported,
                  fmt::format("{} has no weights in {}{}", where, kWeightsFile, other_weights(listing))};
  std::vector<HubFile> wanted, weights;
  for (const HubFile& file : listing.files) {
    if (is_small_wanted_file(file.name) && !(one_file && file.name == kWeightsIndex)) wanted.push_back(file);
    if (one_file ? file.name == kWeightsFile : is_shard(file.name)) weights.push_back(file);
  }
  wanted.insert(wanted.end(), weights.begin(), weights.end());
  return wanted;
}

}  // namespace attend
