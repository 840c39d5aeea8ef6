// Learning to translate, a step at a time.
#ifndef ATTEND_TRAINING_TRANSLATION_LEARNER_H_
#define ATTEND_TRAINING_TRANSLATION_LEARNER_H_

#include <optional>
#include <span>
#include <vector>

#include "attend/executor.h"
#include "language/sentence_pieces.h"
#include "training/learner.h"
#include "training/schedule.h"
#include "training/sentence_batches.h"
#include "training/translation_options.h"
#include "translation/translation_model.h"

namespace attend {

/// What is learned from and judged by; borrowed.
struct TranslationTask {
  std::span<const SentencePair> pairs;
  const ParallelText* validation = nullptr;  // without it, the last epoch counts as the best
  const SentencePieces* pieces = nullptr;
};

class TranslationLearner final : public Learner {
 public:
  /// All but the options are borrowed.
  TranslationLearner(TranslationModel<float>& model, const TranslationTask& task,
                     const TranslationLearningOptions& options, Executor& executor);

  RunTerms terms() const override {
    return {"sentences", "bleu", "val_loss", "BLEU of validation sentences"};
  }
  int64_t batches() const override { return batches_.batches(); }
  StepResult step(int64_t epoch, int64_t batch, int64_t step) override;
  /// BLEU of free-running translations as sacreBLEU has it, and the loss without smoothing, nats a piece, of
  /// the pairs that the model can read whole, unless there is none.
  Result<std::vector<SetScores>> judge() override;

  const ParameterList<float>& parameters() const override { return parameters_; }
  AdamW<float>& optimiser() override { return optimiser_; }

 private:
  double validation_bleu() const;
  std::optional<double> validation_loss();

  TranslationModel<float>& model_;
  TranslationTask task_;
  TranslationLearningOptions options_;
  Executor& executor_;
  ParameterList<float> parameters_;
  AdamW<float> optimiser_;
  SentenceBatches batches_;
  Schedule schedule_;
  std::vector<SentencePair> validation_pairs_;
  PackedPairs packed_;
  Arena arena_;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_TRANSLATION_LEARNER_H_
