// All choices of a training run in one place, so that a run can be told, repeated and gone on with.
#ifndef ATTEND_TRAINING_TRAINING_RECIPE_H_
#define ATTEND_TRAINING_TRAINING_RECIPE_H_

#include <cstdint>
#include <string>

#include "attend/status.h"
#include "captioner/caption_model.h"
#include "training/learning_options.h"
#include "training/training_set.h"

namespace attend {

struct ModelOptions {
  int64_t width = 256;
  int heads = 4;
  int64_t hidden = 1024;
  int layers = 3;                                                   // of the text decoder
  int encoder_layers = 1;                                           // over the patches
  MemoryAttentionKind attention = MemoryAttentionKind::kMultiHead;  // of words to patches
  int64_t most_rows = 40;  // positions of the text decoder: words of a caption and its start
  double dropout = 0.2;
  double embedding_dropout = 0.3;
  double feature_dropout = 0.0;
};

struct TrainingRecipe {
  TrainingSetOptions set;
  ModelOptions model;
  LearningOptions learning;
};

/// Errors: kInvalidArgument naming the option, its value and its range.
Status check(const TrainingRecipe& recipe);

/// The network for a set's vocabulary and features.
CaptionModelShape shape_of(const ModelOptions& options, const TrainingSet& set);

/// The choices that the outcome depends on and what they met: a JSON object of one line a choice. Paths, and
/// how often something is saved or logged, are not among them.
std::string describe(const TrainingRecipe& recipe, const TrainingSet& set);

}  // namespace attend

#endif  // ATTEND_TRAINING_TRAINING_RECIPE_H_
