// What a photo's features lose each time that they are learned from, so that sentences hang on what is seen
// and not on a photo known by heart.
//
// Dropout of single numbers hides little: the same channel of the patches beside still tells. So channels
// fall in all patches of a photo together (Tompson et al. 2015, "Efficient object localization using
// convolutional networks"), and whole patches fall (DeVries and Taylor 2017, "Improved regularization of
// convolutional neural networks with cutout").
#ifndef ATTEND_TRAINING_FEATURE_NOISE_H_
#define ATTEND_TRAINING_FEATURE_NOISE_H_

#include <cstdint>

#include "attend/executor.h"
#include "base/bounds.h"
#include "base/matrix.h"
#include "base/random.h"

namespace attend {

struct FeatureNoise {
  static constexpr Bounds<double> kDropout{0, 0.95};  // of channels, and of patches

  double channel_dropout = 0;  // how likely a channel falls in all patches of a photo; the others are scaled
                               // by 1 / (1 - channel_dropout)
  double patch_dropout = 0;    // how likely a patch is zeros; attention's weights sum to 1 all the same, so
                               // nothing is scaled
};

/// Spoils the features of photos, [photos * patches, width], in place. What falls depends on the key alone.
void add_noise(const FeatureNoise& noise, RandomKey key, int64_t patches, Executor& executor,
               Matrix<float> features);

}  // namespace attend

#endif  // ATTEND_TRAINING_FEATURE_NOISE_H_
