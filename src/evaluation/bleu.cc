#include "evaluation/bleu.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>
#include <vector>

namespace attend {
namespace {

// coco-caption's guards against 0 / 0; they show in scores of very short texts.
constexpr double kTiny = 1e-15;
constexpr double kSmall = 1e-9;

int32_t count_in(const std::vector<NgramCount>& counts, const Ngram& ngram) {
  const auto at =
      std::lower_bound(counts.begin(), counts.end(), ngram,
                       [](const NgramCount& entry, const Ngram& key) { return entry.ngram < key; });
  return at != counts.end() && at->ngram == ngram ? at->count : 0;
}

int64_t closest_length(int64_t candidate, std::span<const WordIds> references) {
  std::pair<int64_t, int64_t> best{INT64_MAX, 0};  // distance, then length: of two equally close the shorter
  for (const WordIds& reference : references) {
    const auto length = static_cast<int64_t>(reference.size());
    best = std::min(best, {std::abs(length - candidate), length});
  }
  return best.second;
}

}  // namespace

void BleuCounts::add(std::span<const int32_t> candidate, std::span<const WordIds> references) {
  std::vector<std::vector<NgramCount>> reference_counts;
  reference_counts.reserve(references.size());
  for (const WordIds& reference : references) reference_counts.push_back(count_ngrams(reference));

  for (const NgramCount& proposed : count_ngrams(candidate)) {
    int32_t allowed = 0;
    for (const auto& counts : reference_counts) allowed = std::max(allowed, count_in(counts, proposed.ngram));
    const size_t n = proposed.ngram.length() - 1;
    proposed_[n] += proposed.count;
    matched_[n] += std::min(proposed.count, allowed);
  }
  candidate_words_ += static_cast<int64_t>(candidate.size());
  reference_words_ += closest_length(static_cast<int64_t>(candidate.size()), references);
}

std::array<double, kMaxNgram> BleuCounts::score() const {
  const double ratio =
      (static_cast<double>(candidate_words_) + kTiny) / (static_cast<double>(reference_words_) + kSmall);
  const double brevity = ratio < 1 ? std::exp(1 - 1 / ratio) : 1.0;

  std::array<double, kMaxNgram> bleu{};
  double product = 1;
  for (size_t n = 0; n < kMaxNgram; ++n) {
    product *= (static_cast<double>(matched_[n]) + kTiny) / (static_cast<double>(proposed_[n]) + kSmall);
    bleu[n] = std::pow(product, 1.0 / static_cast<double>(n + 1)) * brevity;
  }
  return bleu;
}

double BleuCounts::smoothed() const {
  if (std::ranges::all_of(matched_, [](int64_t n) { return n == 0; })) return 0;
  double half = 1, logarithms = 0;
  for (size_t n = 0; n < kMaxNgram; ++n) {
    if (proposed_[n] == 0) return 0;  // no sentence is as long as this: the product's factor is 0
    const double matched = matched_[n] > 0 ? static_cast<double>(matched_[n]) : half /= 2;
    logarithms += std::log(matched / static_cast<double>(proposed_[n]));
  }
  const double lengths = static_cast<double>(reference_words_) / static_cast<double>(candidate_words_);
  return 100 * std::min(1.0, std::exp(1 - lengths)) * std::exp(logarithms / double{kMaxNgram});
}

}  // namespace attend
