// All scores of a set of captions, from plain text, in one call.
#ifndef ATTEND_EVALUATION_SCORES_H_
#define ATTEND_EVALUATION_SCORES_H_

#include <array>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "attend/status.h"
#include "evaluation/captions_file.h"
#include "evaluation/ngram.h"

namespace attend {

/// The numbers that coco-caption prints (METEOR and SPICE apart), as fractions: multiply BLEU and ROUGE-L by
/// 100 to print.
struct Scores {
  std::array<double, kMaxNgram> bleu{};  // BLEU-1 to BLEU-4 over the corpus
  double rouge_l = 0;                    // mean over images
  double cider_d = 0;                    // mean over images, in [0, 10]
  int64_t images = 0;
};

/// The captions that people wrote for each image.
using References = std::map<std::string, std::vector<std::string>>;

/// Scores one candidate for each image of `references`, both cut by split_words(). A candidate whose image is
/// not among the references is looked up by the longest end of its path, of whole components, that is.
/// Document frequencies come from `references`. Errors: kInvalidArgument naming the image and both counts,
/// for an image with no candidate, two candidates or no reference, a candidate of an unknown image; no images
/// at all.
Result<Scores> score_captions(std::span<const CandidateCaption> candidates, const References& references);

}  // namespace attend

#endif  // ATTEND_EVALUATION_SCORES_H_
