// Everything about learning to caption that may be chosen.
#ifndef ATTEND_TRAINING_CAPTION_OPTIONS_H_
#define ATTEND_TRAINING_CAPTION_OPTIONS_H_

#include <cstdint>
#include <optional>

#include "base/bounds.h"
#include "language/generation.h"
#include "nn/memory_attention.h"
#include "training/feature_noise.h"
#include "training/learning_options.h"
#include "training/self_critical.h"

namespace attend {

struct CaptionModelOptions {
  static constexpr Bounds<int> kLayers{1, 48}, kEncoderLayers{0, 48};
  static constexpr Bounds<double> kDropout{0, 0.95};  // of every kind

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

struct CaptionLearningOptions : LearningOptions {
  static constexpr Bounds<int64_t> kPhotosPerBatch{1, 4096};
  static constexpr Bounds<double> kCaptionShare{0, 0.99};

  int64_t photos_per_batch = 32;
  double last_rate = 4e-6;  // the lowest learning rate, reached at the end
  FeatureNoise noise;
  GenerationOptions generation;                      // how validation sentences are made
  std::optional<SelfCriticalOptions> self_critical;  // learn from rewards instead of from captions
  double caption_share = 0;  // self-critical: the part of the loss that stays that of the captions
};

}  // namespace attend

#endif  // ATTEND_TRAINING_CAPTION_OPTIONS_H_
