// Source pieces to target pieces: a model, a search, and many sentences at once.
#ifndef ATTEND_TRANSLATION_TRANSLATE_H_
#define ATTEND_TRANSLATION_TRANSLATE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attend/executor.h"
#include "language/generation.h"
#include "translation/translation_model.h"

namespace attend {

/// The most pieces said for a source of `pieces`: twice as many and ten. Translations that the model does not
/// end by itself are cut there.
constexpr int64_t most_target_pieces(int64_t pieces) {
  return 2 * pieces + 10;
}

/// The best sentence for each source, in order; `special` says which pieces start, end and stand for the
/// unknown. Sources have no end yet, at least one piece and at most max_length - 1 of them. Sentences of like
/// length are searched together, at most `options.beam` * `at_once` rows a step.
std::vector<SpokenSentence> translate(std::span<const std::vector<int32_t>> sources,
                                      const SpecialWords& special, const GenerationOptions& options,
                                      int64_t at_once, const TranslationModel<float>& model,
                                      Executor& executor);

}  // namespace attend

#endif  // ATTEND_TRANSLATION_TRANSLATE_H_
