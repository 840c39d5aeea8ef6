// What the trainer drives: something that takes steps through its examples, and judges what it has learned.
#ifndef ATTEND_TRAINING_LEARNER_H_
#define ATTEND_TRAINING_LEARNER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "attend/status.h"
#include "nn/parameter.h"
#include "training/adamw.h"

namespace attend {

struct StepResult {
  double loss = 0;       // sum over the words of the batch, nats
  double words = 0;      // how many words that was
  int64_t examples = 0;  // captions, sentences
  double reward = 0;     // mean over the samples; 0 unless self-critical
  double learning_rate = 0;
  double gradient_norm = 0;  // before clipping; when it is not finite, no parameter has moved
};

/// How well the model does on one validation set.
struct SetScores {
  std::string set;
  double score = 0;              // the measure that decides which epoch is best; higher is better
  std::optional<double> second;  // another, to look at, where there is one
  std::string text;              // both with their names, for people
};

/// What the numbers of a run are called.
struct RunTerms {
  std::string examples;       // "captions"
  std::string score, second;  // as columns of a table: "cider_d"
  std::string title;          // of the score over a curve: "CIDEr-D of validation captions"
};

class Learner {
 public:
  virtual ~Learner() = default;

  virtual RunTerms terms() const = 0;
  /// Steps an epoch.
  virtual int64_t batches() const = 0;
  /// Learns from batch `batch` of epoch `epoch`, which is step number `step` of all. What it does depends on
  /// these numbers, the parameters and the optimiser's moments alone.
  virtual StepResult step(int64_t epoch, int64_t batch, int64_t step) = 0;
  /// The scores of each validation set, with the parameters as they are; none without a set.
  virtual Result<std::vector<SetScores>> judge() = 0;

  virtual const ParameterList<float>& parameters() const = 0;
  virtual AdamW<float>& optimiser() = 0;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_LEARNER_H_
