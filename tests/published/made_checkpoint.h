// Checkpoints in folders, made again from published.json: its text files, and weights that follow from the
// tensors' names as tests/golden/published_checkpoints.py has them.
#ifndef ATTEND_TESTS_PUBLISHED_MADE_CHECKPOINT_H_
#define ATTEND_TESTS_PUBLISHED_MADE_CHECKPOINT_H_

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/temporary_folder.h"

namespace attend {

using Json = nlohmann::json;

/// published.json
const Json& published_golden();

/// One of its cases.
const Json& golden_case(const std::string& name);

/// A checkpoint that can be spoilt before it is written.
struct MadeCheckpoint {
  std::map<std::string, std::vector<int64_t>> tensors;
  std::map<std::string, std::string> files;
  std::string dtype;
  bool shards = false;

  explicit MadeCheckpoint(const Json& golden);

  /// config.json, to be changed and put back.
  Json config() const { return Json::parse(files.at("config.json")); }
  void set_config(const Json& config) { files["config.json"] = config.dump(); }

  /// Writes all of it into `folder` and returns its path.
  std::string write(const TemporaryFolder& folder) const;
};

}  // namespace attend

#endif  // ATTEND_TESTS_PUBLISHED_MADE_CHECKPOINT_H_
