// CIDEr-D (Vedantam, Zitnick and Parikh 2015): agreement with the references, in words that say something.
//
// Each n-gram weighs tf * log(N / df): how often the sentence has it, times how few of the N images have it
// in their references. The score of a caption is the cosine between its weights and a reference's, with the
// caption's weights clipped to the reference's so that repeating a rare word does not pay, times
// exp(-(difference in length)^2 / (2 * 6^2)), averaged over n = 1..4 and over the references, times 10.
#ifndef ATTEND_EVALUATION_CIDER_D_H_
#define ATTEND_EVALUATION_CIDER_D_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "evaluation/ngram.h"
#include "evaluation/ngram_table.h"

namespace attend {

/// The references of a set of images, weighed once; then a score in microseconds for any caption of any of
/// them. It is both the judge of a finished set and the reward of self-critical training (Rennie et al.
/// 2017). Numbers are coco-caption's, where the length of a sentence is its number of bigrams.
class CiderD {
 public:
  /// references[i] are the sentences of image i: at least one each. Document frequencies come from these
  /// images.
  explicit CiderD(std::span<const std::vector<WordIds>> references);

  int64_t images() const { return static_cast<int64_t>(first_reference_.size()) - 1; }

  /// The score of `candidate` as a caption of `image` in [0, images()); in [0, 10]. Words that no reference
  /// has are welcome. Safe from many threads at once.
  double score(std::span<const int32_t> candidate, int64_t image) const;

 private:
  using PerLength = std::array<double, kMaxNgram>;
  struct Term {
    uint32_t ngram;  // its number in ngrams_
    int32_t count;
  };
  struct Reference {
    size_t first_term;
    size_t terms;
    PerLength norm;
    int32_t bigrams;
  };
  struct Weighed;

  void weigh_references(std::span<const int64_t> image_frequency);
  Weighed weigh(std::span<const int32_t> candidate) const;
  double similarity(const Weighed& candidate, const Reference& reference) const;

  NgramTable ngrams_;
  std::vector<double> rarity_;  // log(N / df) of each n-gram
  double unseen_rarity_ = 0;    // log(N)
  std::vector<Term> terms_;
  std::vector<Reference> references_;
  std::vector<size_t> first_reference_;  // of each image in references_, and the end
};

}  // namespace attend

#endif  // ATTEND_EVALUATION_CIDER_D_H_
