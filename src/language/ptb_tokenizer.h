// Words as the scores of captions count them: the Penn Treebank's, in lower case, without punctuation.
//
// Published caption scores are computed on the output of coco-caption's tokenizer (Chen et al. 2015,
// "Microsoft COCO Captions"): the Stanford PTBTokenizer with -preserveLines -lowerCase, less 17 punctuation
// marks. A score is comparable only if its words are cut in the same places, so this scanner makes the same
// cuts, in English text: "isn't" is two words, "o'clock" and "t-shirt" are one, "D.C." keeps its full stops,
// "8:25pm" is "8:25" and "pm".
//
// Like the original it takes, at each position, the longest of the forms that match there. The original reads
// all captions of a file as one text, so that "the letter P." ends in "p." or "p" by how the next caption
// begins; here, where a caption stands alone, it ends in "p", as before a caption that begins with "A".
// Attributes of HTML tags, telephone numbers and fractions with a space in them ("3 1/2") are no single
// tokens here.
#ifndef ATTEND_LANGUAGE_PTB_TOKENIZER_H_
#define ATTEND_LANGUAGE_PTB_TOKENIZER_H_

#include <string>
#include <string_view>
#include <vector>

namespace attend {

/// The words of one caption: "A dog's bone, isn't it?" -> a dog 's bone is n't it.
/// Brackets are words, "-lrb-" and "-rrb-", because coco-caption drops their upper-case spelling alone.
/// Any bytes are accepted: letters beyond ASCII belong to words and keep their case (those of Latin-1 lose
/// it), and a byte that is not UTF-8 is treated as such a letter. Line breaks are spaces. Linear in the
/// length of `text`.
std::vector<std::string> split_words(std::string_view text);

/// The same with punctuation still in place.
std::vector<std::string> split_tokens(std::string_view text);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_PTB_TOKENIZER_H_
