// A run's choices, written down when it begins and held against later.
#ifndef ATTEND_TRAINING_RECORDED_RECIPE_H_
#define ATTEND_TRAINING_RECORDED_RECIPE_H_

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "attend/status.h"

namespace attend {

/// A fingerprint of each file; one that cannot be read has none.
nlohmann::ordered_json fingerprints(std::span<const std::string> files);

/// A JSON object of one line a choice.
std::string recipe_text(const nlohmann::ordered_json& choices);

/// Writes the description to `path`; when there is one already, it must be the same.
/// Errors: kInvalidArgument naming the first choice that differs and both values; kIo, kCorrupt.
Status record_recipe(const std::string& path, const std::string& description);

}  // namespace attend

#endif  // ATTEND_TRAINING_RECORDED_RECIPE_H_
