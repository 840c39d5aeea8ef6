// BLEU (Papineni et al. 2002): how many of a sentence's runs of words its references hold too.
#ifndef ATTEND_EVALUATION_BLEU_H_
#define ATTEND_EVALUATION_BLEU_H_

#include <array>
#include <cstdint>
#include <span>

#include "evaluation/ngram.h"

namespace attend {

/// Counts over a corpus, added sentence by sentence; the score is that of the sums, not the mean of scores.
/// The reference length is that closest to the candidate's, the shorter of two equally close.
class BleuCounts {
 public:
  /// `references` holds at least one sentence; any sentence may be empty.
  void add(std::span<const int32_t> candidate, std::span<const WordIds> references);

  /// BLEU-1 to BLEU-4, each in [0, 1], as coco-caption computes them, with its small constants in place of
  /// divisions by zero; 0 before any add().
  std::array<double, kMaxNgram> score() const;

  /// BLEU-4 in [0, 100], as sacreBLEU computes it with exponential smoothing, its default: the k-th n that
  /// nothing matched counts as 1 / 2^k of a match.
  double smoothed() const;

 private:
  std::array<int64_t, kMaxNgram> matched_{}, proposed_{};
  int64_t candidate_words_ = 0, reference_words_ = 0;
};

}  // namespace attend

#endif  // ATTEND_EVALUATION_BLEU_H_
