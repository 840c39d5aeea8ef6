// One training step: pick photos, run the model forward and backward, move the parameters.
#ifndef ATTEND_TRAINING_LEARNER_H_
#define ATTEND_TRAINING_LEARNER_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "attend/executor.h"
#include "captioner/caption_model.h"
#include "training/adamw.h"
#include "training/batches.h"
#include "training/learning_options.h"
#include "training/schedule.h"
#include "training/self_critical.h"

namespace attend {

struct StepResult {
  double loss = 0;   // sum over the words of the batch, nats
  double words = 0;  // how many words that was
  int64_t captions = 0;
  double reward = 0;  // mean over the samples; 0 unless self-critical
  double learning_rate = 0;
  double gradient_norm = 0;  // before clipping; when it is not finite, no parameter has moved
};

class Learner {
 public:
  /// All but the options are borrowed.
  Learner(CaptionModel<float>& model, std::span<const TrainingPhoto> photos, const LearningOptions& options,
          Executor& executor);

  /// Steps an epoch.
  int64_t batches() const { return plan_.batches(); }

  /// Learns from batch `batch` of epoch `epoch`, which is step number `step` of all. What it does depends on
  /// these numbers, the parameters and the optimiser's moments alone.
  StepResult step(int64_t epoch, int64_t batch, int64_t step);

  const ParameterList<float>& parameters() const { return parameters_; }
  AdamW<float>& optimiser() { return optimiser_; }

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
  std::span<const TrainingPhoto> photos_;
  LearningOptions options_;
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

#endif  // ATTEND_TRAINING_LEARNER_H_
