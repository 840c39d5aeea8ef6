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

/// The first choice in which two such objects differ, as "NAME was A, now B"; empty when there is none.
std::string recipe_difference(const std::string& was, const std::string& now);

}  // namespace attend

#endif  // ATTEND_TRAINING_RECORDED_RECIPE_H_
