// ROUGE-L (Lin 2004): the longest common subsequence of a caption and a reference.
#ifndef ATTEND_EVALUATION_ROUGE_L_H_
#define ATTEND_EVALUATION_ROUGE_L_H_

#include <span>

#include "evaluation/ngram.h"

namespace attend {

/// The F measure with beta 1.2 of the best precision and the best recall, each over all references (they need
/// not come from the same one), as coco-caption computes it; in [0, 1]. `references` holds at least one
/// sentence. As there, an empty sentence counts as one empty word: 1 against an empty reference, 0 against
/// any other.
double rouge_l(std::span<const int32_t> candidate, std::span<const WordIds> references);

}  // namespace attend

#endif  // ATTEND_EVALUATION_ROUGE_L_H_
