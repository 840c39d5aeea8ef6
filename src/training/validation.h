// How good the sentences are that a model says by itself.
#ifndef ATTEND_TRAINING_VALIDATION_H_
#define ATTEND_TRAINING_VALIDATION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "attend/executor.h"
#include "captioner/caption_model.h"
#include "evaluation/scores.h"
#include "language/generation.h"
#include "language/vocabulary.h"
#include "training/feature_file.h"

namespace attend {

/// Photos that training does not learn from.
struct ValidationSet {
  std::string name;
  const FeatureFile* features = nullptr;
  std::vector<std::string> images;  // image i has features i
  References references;
};

/// A sentence for each photo of `set`, in its order.
std::vector<CandidateCaption> caption_set(const CaptionModel<float>& model, const Vocabulary& vocabulary,
                                          const ValidationSet& set, const GenerationOptions& options,
                                          Executor& executor);

/// The scores of those sentences. Errors: those of score_captions().
Result<Scores> validate(const CaptionModel<float>& model, const Vocabulary& vocabulary,
                        const ValidationSet& set, const GenerationOptions& options, Executor& executor);

}  // namespace attend

#endif  // ATTEND_TRAINING_VALIDATION_H_
