// From the words that the decoder said to the words that people read.
#ifndef ATTEND_CAPTIONER_SPOKEN_CAPTION_H_
#define ATTEND_CAPTIONER_SPOKEN_CAPTION_H_

#include "attend/captioner.h"
#include "language/generation.h"
#include "language/vocabulary.h"

namespace attend {

/// The sentence as Vocabulary::decode() writes it. Decoder words that are written as one ("man" "'s":
/// "man's") become one: its probability is the product of theirs, its attention their mean.
Caption to_caption(const SpokenSentence& sentence, const Vocabulary& vocabulary, int grid);

}  // namespace attend

#endif  // ATTEND_CAPTIONER_SPOKEN_CAPTION_H_
