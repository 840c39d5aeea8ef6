// Everything about learning to caption that may be chosen.
#ifndef ATTEND_TRAINING_LEARNING_OPTIONS_H_
#define ATTEND_TRAINING_LEARNING_OPTIONS_H_

#include <cstdint>
#include <optional>

#include "language/generation.h"
#include "nn/pass.h"
#include "training/adamw.h"
#include "training/feature_noise.h"
#include "training/run_options.h"
#include "training/self_critical.h"

namespace attend {

struct LearningOptions : RunOptions {
  int64_t photos_per_batch = 32;
  double rate = 4e-4;       // the highest learning rate, reached after the warm-up
  double last_rate = 4e-6;  // the lowest, reached at the end
  int64_t warmup = 300;     // steps
  double label_smoothing = 0.1;
  FeatureNoise noise;
  AdamWOptions adamw;
  GenerationOptions generation;                      // how validation sentences are made
  Precision precision = Precision::kFloat32;         // of the steps' matrix products
  std::optional<SelfCriticalOptions> self_critical;  // learn from rewards instead of from captions
  double caption_share = 0;  // self-critical: the part of the loss that stays that of the captions, in [0, 1)
};

}  // namespace attend

#endif  // ATTEND_TRAINING_LEARNING_OPTIONS_H_
