// How sentences are cut into words for BLEU: the rules of mteval-v13a.pl, as sacreBLEU has them (Post 2018).
#ifndef ATTEND_EVALUATION_TOKENIZER_13A_H_
#define ATTEND_EVALUATION_TOKENIZER_13A_H_

#include <string>
#include <string_view>
#include <vector>

namespace attend {

/// Words and signs of a line, as sacreBLEU's tokenizer "13a" gives them: XML's entities for & < > " read,
/// ASCII's signs by themselves but for an apostrophe and a hyphen; a full stop or comma between digits and a
/// hyphen not after one stay in their words. Cut at all that Unicode calls white space.
std::vector<std::string> tokenize_13a(std::string_view line);

}  // namespace attend

#endif  // ATTEND_EVALUATION_TOKENIZER_13A_H_
