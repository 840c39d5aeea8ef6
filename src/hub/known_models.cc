#include "hub/known_models.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace attend {
namespace {

constexpr std::array kKnownModels = {
    KnownModel{"blip-base", "Salesforce/blip-image-captioning-base", 990'000'000, "BSD-3-Clause",
               "BLIP, ViT-B/16 at 384 px"},
    KnownModel{"blip-large", "Salesforce/blip-image-captioning-large", 1'880'000'000, "BSD-3-Clause",
               "BLIP, ViT-L/16 at 384 px"},
    KnownModel{"vit-gpt2", "nlpconnect/vit-gpt2-image-captioning", 982'000'000, "Apache-2.0",
               "ViT-B/16 at 224 px and GPT-2"},
    KnownModel{"git-base", "microsoft/git-base-coco", 708'000'000, "MIT", "GIT, CLIP ViT-B/16 at 224 px"},
    KnownModel{"git-large", "microsoft/git-large-coco", 1'580'000'000, "MIT", "GIT, CLIP ViT-L/14 at 224 px"},
};

/// Letters to insert, drop or replace to turn one word into the other.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

/// How far a typed word is from a name: part of it ("blip"), or some slips away.
size_t distance(std::string_view typed, std::string_view name) {
  constexpr size_t kLeastPart = 3;
  if (typed.size() >= kLeastPart && name.find(typed) != std::string_view::npos) return 0;
  return edit_distance(typed, name);
}

}  // namespace

std::span<const KnownModel> known_models() {
  return kKnownModels;
}

const KnownModel* find_known_model(std::string_view name) {
  const auto* found = std::find_if(kKnownModels.begin(), kKnownModels.end(),
                                   [name](const KnownModel& model) { return model.name == name; });
  return found == kKnownModels.end() ? nullptr : found;
}

std::vector<std::string_view> similar_names(std::string_view name) {
  constexpr size_t kMostSlips = 3, kLongestWord = 64;
  if (name.size() > kLongestWord) return {};
  std::vector<std::pair<size_t, std::string_view>> near;
  for (const KnownModel& model : kKnownModels) {
    const size_t slips = distance(name, model.name);
    if (slips <= kMostSlips) near.emplace_back(slips, model.name);
  }
  std::stable_sort(near.begin(), near.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string_view> names;
  for (const auto& [slips, known] : near) {
    if (slips == near.front().first) names.push_back(known);
  }
  return names;
}

}  // namespace attend
