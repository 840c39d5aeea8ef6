// The likeliest sentences, looked for along the few likeliest beginnings.
#ifndef ATTEND_LANGUAGE_BEAM_SEARCH_H_
#define ATTEND_LANGUAGE_BEAM_SEARCH_H_

#include <vector>

#include "language/generation.h"

namespace attend {

/// generate() by beam search: after each word, the `beam` likeliest beginnings of each prompt go on; one that
/// ends joins the finished, which are ranked by log-probability / length^length_exponent (Wu et al. 2016,
/// with a plain power), so that short sentences do not win for being short. Those cut rank after those that
/// ended.
std::vector<std::vector<SpokenSentence>> beam_search(NextWord& model, const SpecialWords& special,
                                                     const GenerationOptions& options);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_BEAM_SEARCH_H_
