// Translations against those that people wrote, as sacreBLEU scores them by default.
#ifndef ATTEND_EVALUATION_TRANSLATION_SCORE_H_
#define ATTEND_EVALUATION_TRANSLATION_SCORE_H_

#include <string_view>

#include "evaluation/bleu.h"

namespace attend {

/// What BleuCounts::smoothed() is after add_translation(), in sacreBLEU's own terms: one reference, case
/// kept, no effective order, tokenizer 13a, exponential smoothing.
inline constexpr std::string_view kTranslationSignature = "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp";

/// Counts one sentence and its one reference.
void add_translation(std::string_view translation, std::string_view reference, BleuCounts& counts);

}  // namespace attend

#endif  // ATTEND_EVALUATION_TRANSLATION_SCORE_H_
