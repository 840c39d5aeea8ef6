// Everything about learning to translate that may be chosen.
#ifndef ATTEND_TRAINING_TRANSLATION_OPTIONS_H_
#define ATTEND_TRAINING_TRANSLATION_OPTIONS_H_

#include <cstdint>

#include "base/bounds.h"
#include "nn/transformer_block.h"
#include "training/learning_options.h"

namespace attend {

struct TranslationModelOptions {
  static constexpr Bounds<int> kLayers{1, 48};  // of the encoder, and of the decoder
  static constexpr Bounds<double> kDropout{0, 0.95};
  static constexpr Bounds<int64_t> kMaxLength{4, 1024};

  int64_t width = 128;
  int heads = 4;
  int64_t hidden = 256;
  int encoder_layers = 4, decoder_layers = 4;
  NormPlacement norm = NormPlacement::kPre;
  double dropout = 0.3;      // after each sublayer, and of what the first block reads
  int64_t max_length = 256;  // pieces of a sentence, its end included
};

struct TranslationLearningOptions : LearningOptions {
  static constexpr Bounds<int64_t> kPiecesPerBatch{1, 1 << 20};

  int64_t pieces_per_batch = 4096;  // of the target
  int validation_beam = 1;          // of the translations that are judged after each epoch

  TranslationLearningOptions() {
    rate = 5e-3;
    warmup = 2000;
    adamw = {.beta2 = 0.98, .epsilon = 1e-9, .weight_decay = 1e-4};
  }
};

}  // namespace attend

#endif  // ATTEND_TRAINING_TRANSLATION_OPTIONS_H_
