// The captioners on the Hugging Face hub that go by a short name here.
#ifndef ATTEND_HUB_KNOWN_MODELS_H_
#define ATTEND_HUB_KNOWN_MODELS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace attend {

struct KnownModel {
  std::string_view name;        // "blip-base"
  std::string_view repository;  // "Salesforce/blip-image-captioning-base"
  uint64_t bytes;               // of what a pull brings, to three digits
  std::string_view licence;     // as SPDX writes it
  std::string_view description;
};

std::span<const KnownModel> known_models();

/// By its short name; null when there is none.
const KnownModel* find_known_model(std::string_view name);

/// Short names that a person who typed `name` may have meant, the nearest first.
std::vector<std::string_view> similar_names(std::string_view name);

}  // namespace attend

#endif  // ATTEND_HUB_KNOWN_MODELS_H_
