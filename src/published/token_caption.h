// From a decoder's tokens to the words that people read.
#ifndef ATTEND_PUBLISHED_TOKEN_CAPTION_H_
#define ATTEND_PUBLISHED_TOKEN_CAPTION_H_

#include "attend/captioner.h"
#include "language/token_search.h"
#include "language/tokenizer.h"

namespace attend {

/// What the tokens spell, blanks as one space and none at the ends, special tokens left out. Tokens that make
/// one word ("surf" "##board") become one: its probability is the product of theirs, its attention their
/// mean. Words that the prompt of `prompt` tokens made alone are in the text and not among the words.
/// Attention has a first column for the class token, which is left out; what remains of it is made to sum
/// to 1.
Caption to_caption(const FoundTokens& found, int64_t prompt, const Tokenizer& tokenizer, int grid);

}  // namespace attend

#endif  // ATTEND_PUBLISHED_TOKEN_CAPTION_H_
