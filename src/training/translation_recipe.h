// All choices of a run that learns to translate in one place, so that it can be told, repeated and gone on
// with.
#ifndef ATTEND_TRAINING_TRANSLATION_RECIPE_H_
#define ATTEND_TRAINING_TRANSLATION_RECIPE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "attend/status.h"
#include "language/sentence_pieces.h"
#include "training/sentence_pairs.h"
#include "training/translation_options.h"
#include "translation/translation_model.h"

namespace attend {

struct TranslationRecipe {
  std::string source = "en", target = "de";  // what the names of the files end in
  TranslationModelOptions model;
  TranslationLearningOptions learning;
};

/// What is learned from, ready.
struct TranslationSet {
  SentencePieces pieces;
  std::vector<SentencePair> pairs;
  ParallelText validation;
};

/// Errors: kInvalidArgument naming the option, its value and its range.
Status check(const TranslationRecipe& recipe);

/// The network for so many pieces.
TranslationModelShape shape_of(const TranslationModelOptions& options, int64_t pieces);

/// The choices that the outcome depends on and what they met, as recipe_text() writes them.
std::string describe(const TranslationRecipe& recipe, const TranslationSet& set);

}  // namespace attend

#endif  // ATTEND_TRAINING_TRANSLATION_RECIPE_H_
