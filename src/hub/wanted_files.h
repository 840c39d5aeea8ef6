// The files of a repository that a captioner reads: its settings, its tokenizer, its weights.
#ifndef ATTEND_HUB_WANTED_FILES_H_
#define ATTEND_HUB_WANTED_FILES_H_

#include <string_view>
#include <vector>

#include "attend/status.h"
#include "hub/hub_client.h"
#include "hub/model_name.h"

namespace attend {

inline constexpr std::string_view kConfigFile = "config.json";
inline constexpr std::string_view kWeightsFile = "model.safetensors";
/// {"weight_map": {tensor: file, ...}}: weights in several files.
inline constexpr std::string_view kWeightsIndex = "model.safetensors.index.json";

/// Settings and tokenizers, the weights' index among them.
bool is_small_wanted_file(std::string_view name);
/// "model-00001-of-00002.safetensors".
bool is_shard(std::string_view name);

/// Those of the listing, the weights last: when they are here, everything is. Errors: kUnsupported for a
/// repository without config.json, and for one whose weights are in another format than safetensors.
Result<std::vector<HubFile>> wanted_files(const ModelListing& listing, const ModelName& name);

}  // namespace attend

#endif  // ATTEND_HUB_WANTED_FILES_H_
