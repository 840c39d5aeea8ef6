#include "evaluation/cider_d.h"

#include <algorithm>
#include <cmath>

namespace attend {
namespace {

constexpr double kSigma = 6;
constexpr double kScale = 10;

int32_t bigrams_of(std::span<const int32_t> words) {
  return words.empty() ? 0 : static_cast<int32_t>(words.size() - 1);
}

void take_roots(std::array<double, kMaxNgram>& squares) {
  for (double& square : squares) square = std::sqrt(square);
}

}  // namespace

// A candidate's weights: only those of n-grams that some reference has can meet a reference's, the norms
// count all.
struct CiderD::Weighed {
  struct Weight {
    uint32_t ngram;
    uint32_t n;  // words in it, less one
    double rarity;
    double weight;
  };
  std::vector<Weight> weights;  // in the order of ngram
  PerLength norm{};
  int32_t bigrams = 0;
};

CiderD::CiderD(std::span<const std::vector<WordIds>> references) {
  std::vector<int64_t> image_frequency;  // of each n-gram
  std::vector<int64_t> last_image;       // that was counted in it
  first_reference_.reserve(references.size() + 1);
  for (size_t image = 0; image < references.size(); ++image) {
    first_reference_.push_back(references_.size());
    for (const WordIds& sentence : references[image]) {
      Reference reference{
          .first_term = terms_.size(), .terms = 0, .norm = {}, .bigrams = bigrams_of(sentence)};
      for (const NgramCount& entry : count_ngrams(sentence)) {
        const uint32_t ngram = ngrams_.intern(entry.ngram);
        if (ngram == image_frequency.size()) {
          image_frequency.push_back(0);
          last_image.push_back(-1);
        }
        if (last_image[ngram] != static_cast<int64_t>(image)) {
          last_image[ngram] = static_cast<int64_t>(image);
          ++image_frequency[ngram];
        }
        terms_.push_back({ngram, entry.count});
      }
      reference.terms = terms_.size() - reference.first_term;
      references_.push_back(reference);
    }
  }
  first_reference_.push_back(references_.size());
  weigh_references(image_frequency);
}

void CiderD::weigh_references(std::span<const int64_t> image_frequency) {
  unseen_rarity_ = std::log(static_cast<double>(std::max<int64_t>(1, images())));
  rarity_.reserve(image_frequency.size());
  for (const int64_t frequency : image_frequency) {
    rarity_.push_back(unseen_rarity_ - std::log(static_cast<double>(frequency)));
  }
  for (Reference& reference : references_) {
    const std::span<Term> terms{terms_.data() + reference.first_term, reference.terms};
    for (const Term& term : terms) {
      const double weight = term.count * rarity_[term.ngram];
      reference.norm[ngrams_[term.ngram].length() - 1] += weight * weight;
    }
    take_roots(reference.norm);
    std::sort(terms.begin(), terms.end(), [](const Term& a, const Term& b) { return a.ngram < b.ngram; });
  }
}

double CiderD::score(std::span<const int32_t> candidate, int64_t image) const {
  const Weighed weighed = weigh(candidate);
  const size_t first = first_reference_[static_cast<size_t>(image)];
  const size_t end = first_reference_[static_cast<size_t>(image) + 1];
  double sum = 0;
  for (size_t r = first; r < end; ++r) sum += similarity(weighed, references_[r]);
  return kScale * sum / static_cast<double>(end - first);
}

CiderD::Weighed CiderD::weigh(std::span<const int32_t> candidate) const {
  const std::vector<NgramCount> counts = count_ngrams(candidate);
  Weighed weighed;
  weighed.weights.reserve(counts.size());
  weighed.bigrams = bigrams_of(candidate);
  for (const NgramCount& entry : counts) {
    const uint32_t ngram = ngrams_.find(entry.ngram);
    const auto n = static_cast<uint32_t>(entry.ngram.length() - 1);
    const double rarity = ngram == NgramTable::kAbsent ? unseen_rarity_ : rarity_[ngram];
    const double weight = entry.count * rarity;
    weighed.norm[n] += weight * weight;
    if (ngram != NgramTable::kAbsent) weighed.weights.push_back({ngram, n, rarity, weight});
  }
  take_roots(weighed.norm);
  std::sort(weighed.weights.begin(), weighed.weights.end(),
            [](const Weighed::Weight& a, const Weighed::Weight& b) { return a.ngram < b.ngram; });
  return weighed;
}

// The mean over n of the clipped cosine, with the penalty on lengths that differ.
double CiderD::similarity(const Weighed& candidate, const Reference& reference) const {
  PerLength dot{};
  const Term* term = terms_.data() + reference.first_term;
  const Term* const end = term + reference.terms;
  for (const Weighed::Weight& mine : candidate.weights) {
    while (term != end && term->ngram < mine.ngram) ++term;
    if (term == end) break;
    if (term->ngram != mine.ngram) continue;
    const double theirs = term->count * mine.rarity;
    dot[mine.n] += std::min(mine.weight, theirs) * theirs;
  }

  double sum = 0;
  for (size_t n = 0; n < kMaxNgram; ++n) {
    const double norms = candidate.norm[n] * reference.norm[n];
    if (norms != 0) sum += dot[n] / norms;
  }
  const double difference = candidate.bigrams - reference.bigrams;
  return sum / kMaxNgram * std::exp(-difference * difference / (2 * kSigma * kSigma));
}

}  // namespace attend
