// All choices of a run that learns to caption in one place, so that it can be told, repeated and gone on
// with.
#ifndef ATTEND_TRAINING_CAPTION_RECIPE_H_
#define ATTEND_TRAINING_CAPTION_RECIPE_H_

#include <string>

#include "attend/status.h"
#include "captioner/caption_model.h"
#include "training/caption_options.h"
#include "training/training_set.h"

namespace attend {

struct CaptionRecipe {
  TrainingSetOptions set;
  CaptionModelOptions model;
  CaptionLearningOptions learning;
};

/// Errors: kInvalidArgument naming the option, its value and its range.
Status check(const CaptionRecipe& recipe);

/// The network for a set's vocabulary and features.
CaptionModelShape shape_of(const CaptionModelOptions& options, const TrainingSet& set);

/// The choices that the outcome depends on and what they met: a JSON object of one line a choice. Paths, and
/// how often something is saved or logged, are not among them.
std::string describe(const CaptionRecipe& recipe, const TrainingSet& set);

}  // namespace attend

#endif  // ATTEND_TRAINING_CAPTION_RECIPE_H_
