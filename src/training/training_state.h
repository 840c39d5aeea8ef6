// All that a training run needs to go on after a kill as if nothing had happened, in one file.
#ifndef ATTEND_TRAINING_TRAINING_STATE_H_
#define ATTEND_TRAINING_TRAINING_STATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "attend/status.h"
#include "nn/parameter.h"
#include "training/adamw.h"

namespace attend {

/// How well the model of one epoch did on the validation sets; the parameters lie in a file of their own.
struct EpochScore {
  int64_t epoch = 0;
  double score = 0;  // the mean over validation sets

  bool operator==(const EpochScore&) const = default;
};

/// Where a run is. Random numbers need no place here: they are functions of the seed and these counters.
struct TrainingProgress {
  int64_t epoch = 0;                       // epochs wholly done, validation included
  int64_t batch = 0;                       // batches of the next epoch that are done
  int64_t step = 0;                        // batches done in all
  double epoch_loss = 0, epoch_words = 0;  // sums over the unfinished epoch
  std::vector<EpochScore> best;            // the best epochs so far, best first
  int64_t best_epoch = -1;                 // the one with the highest score
  bool finished = false;

  bool operator==(const TrainingProgress&) const = default;
};

/// Writes parameters, moments and progress, atomically: an error leaves the file that was there.
/// `recipe` holds all that must be equal for the run to go on, as recipe_text() writes it. Errors: kIo,
/// kNotFound.
Status save_training(const std::string& path, const std::string& recipe, const TrainingProgress& progress,
                     const ParameterList<float>& parameters, AdamW<float>& optimiser);

/// Reads what save_training() wrote; on an error the parameters may be in part overwritten.
/// Errors: kNotFound, kIo; kCorrupt naming what is missing or out of range; kInvalidArgument for another
/// recipe, naming the first choice that differs and both values.
Result<TrainingProgress> load_training(const std::string& path, const std::string& recipe,
                                       const ParameterList<float>& parameters, AdamW<float>& optimiser);

/// The parameters alone, float32.
Status save_parameters(const std::string& path, const ParameterList<float>& parameters);
Status load_parameters(const std::string& path, const ParameterList<float>& parameters);

}  // namespace attend

#endif  // ATTEND_TRAINING_TRAINING_STATE_H_
