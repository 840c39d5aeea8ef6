#include "evaluation/translation_score.h"

#include "evaluation/tokenizer_13a.h"

namespace attend {

void add_translation(std::string_view translation, std::string_view reference, BleuCounts& counts) {
  WordTable words;  // n-grams only meet within a pair
  const WordIds candidate = words.intern(tokenize_13a(translation));
  const WordIds known = words.intern(tokenize_13a(reference));
  counts.add(candidate, {&known, 1});
}

}  // namespace attend
