// Learning to caption, a step at a time: pick photos, run the model forward and backward, move the
// parameters.
#ifndef ATTEND_TRAINING_CAPTION_LEARNER_H_
#define ATTEND_TRAINING_CAPTION_LEARNER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "attend/executor.h"
#include "captioner/caption_model.h"
#include "training/adamw.h"
#include "training/batches.h"
#include "training/caption_options.h"
#include "training/learner.h"
#include "training/schedule.h"
#include "training/self_critical.h"
#include "training/validation.h"

namespace attend {

/// What is learned from and judged by; borrowed.
struct CaptionTask {
  std::span<const TrainingPhoto> photos;
  std::span<const ValidationSet> validation;  // without any, the last epoch counts as the best
  const Vocabulary* vocabulary = nullptr;
};

class CaptionLearner final : public Learner {
 public:
  /// All but the options are borrowed.
  CaptionLearner(CaptionModel<float>& model, const CaptionTask& task, const CaptionLearningOptions& options,
                 Executor& executor);

  RunTerms terms() const override {
    return {"captions", "cider_d", "bleu_4", "CIDEr-D of validation captions"};
  }
  int64_t batches() const override { return plan_.batches(); }
  StepResult step(int64_t epoch, int64_t batch, int64_t step) override;
  /// By beam search, as options.generation says.
  Result<std::vector<SetScores>> judge() override;

  const ParameterList<float>& parameters() const override { return parameters_; }
  AdamW<float>& optimiser() override { return optimiser_; }

 private:
  /// What a packed batch counts for.
  struct Objective {
    double words;  // that its loss is divided by
    double share;  // of it in the step's loss
    double label_smoothing;
  };

  void pack_captions(std::span<const PickedPhoto> picked);
  void learn(const PackedCaptions& packed, ConstMatrix<float> features, const Objective& objective,
             RandomKey key, StepResult& result);

  CaptionModel<float>& model_;
  CaptionTask task_;
  CaptionLearningOptions options_;
  Executor& executor_;
  ParameterList<float> parameters_;
  AdamW<float> optimiser_;
  BatchPlan plan_;
  Schedule schedule_;
  PackedCaptions captions_, samples_;
  Arena arena_;
  std::optional<SelfCritical> self_critical_;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_CAPTION_LEARNER_H_
