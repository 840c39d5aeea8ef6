// Everything about learning to translate that may be chosen.
#ifndef ATTEND_TRAINING_TRANSLATION_OPTIONS_H_
#define ATTEND_TRAINING_TRANSLATION_OPTIONS_H_

#include <cstdint>
#include <string>

#include "nn/pass.h"
#include "nn/transformer_block.h"
#include "training/adamw.h"
#include "training/run_options.h"

namespace attend {

struct TranslationModelOptions {
  int64_t width = 128;
  int heads = 4;
  int64_t hidden = 256;
  int encoder_layers = 4, decoder_layers = 4;
  NormPlacement norm = NormPlacement::kPre;
  double dropout = 0.3;      // after each sublayer, and of what the first block reads
  int64_t max_length = 256;  // pieces of a sentence, its end included
};

struct TranslationLearningOptions : RunOptions {
  int64_t pieces_per_batch = 4096;  // of the target
  double rate = 5e-3;               // the highest learning rate, reached after the warm-up
  int64_t warmup = 2000;            // steps
  double label_smoothing = 0.1;
  AdamWOptions adamw = {.beta2 = 0.98, .epsilon = 1e-9, .weight_decay = 1e-4};
  int validation_beam = 1;  // of the translations that are judged after each epoch
  Precision precision = Precision::kFloat32;
};

}  // namespace attend

#endif  // ATTEND_TRAINING_TRANSLATION_OPTIONS_H_
