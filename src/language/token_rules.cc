#include "language/token_rules.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "language/repetition.h"
#include "language/word_rules.h"

namespace attend {
namespace {

void penalise(std::span<const int32_t> said, float penalty, std::span<float> scores) {
  std::vector<int32_t> once(said.begin(), said.end());
  std::ranges::sort(once);
  once.erase(std::unique(once.begin(), once.end()), once.end());
  for (const int32_t token : once) {
    float& score = scores[static_cast<size_t>(token)];
    score = score < 0 ? score * penalty : score / penalty;
  }
}

}  // namespace

float log_normaliser(std::span<const float> logits) {
  const float most = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float x : logits) sum += static_cast<double>(std::exp(x - most));
  return most + static_cast<float>(std::log(sum));
}

void apply_rules(std::span<const int32_t> said, const TokenSearchOptions& options, std::span<float> scores) {
  if (options.repetition_penalty != 1) penalise(said, static_cast<float>(options.repetition_penalty), scores);
  for (const int32_t token : words_that_repeat(said, options.no_repeat_ngram)) {
    scores[static_cast<size_t>(token)] = kForbidden;
  }
  if (static_cast<int64_t>(said.size()) >= options.min_length) return;
  for (const int32_t end : options.ends) scores[static_cast<size_t>(end)] = kForbidden;
}

}  // namespace attend
