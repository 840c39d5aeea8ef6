#include "training/feature_noise.h"

#include <algorithm>
#include <functional>
#include <span>
#include <vector>

namespace attend {
namespace {

enum Stream : uint64_t { kChannel, kPatch };

/// What each channel of a photo is multiplied by.
std::vector<float> channel_scales(double rate, RandomKey key, int64_t width) {
  std::vector<float> scales(static_cast<size_t>(width));
  const auto kept = static_cast<float>(1 / (1 - rate));
  for (size_t c = 0; c < scales.size(); ++c) scales[c] = key.uniform(c) < rate ? 0.0f : kept;
  return scales;
}

}  // namespace

void add_noise(const FeatureNoise& noise, RandomKey key, int64_t patches, Executor& executor,
               Matrix<float> features) {
  if (noise.channel_dropout <= 0 && noise.patch_dropout <= 0) return;
  executor.for_each(features.rows / patches, [&](int64_t photo, int) {
    const RandomKey of_photo = key.child(static_cast<uint64_t>(photo));
    const std::vector<float> scales =
        channel_scales(noise.channel_dropout, of_photo.child(kChannel), features.cols);
    const RandomKey of_patches = of_photo.child(kPatch);
    for (int64_t p = 0; p < patches; ++p) {
      const std::span<float> patch = features.row(photo * patches + p);
      if (of_patches.uniform(static_cast<uint64_t>(p)) < noise.patch_dropout) {
        std::ranges::fill(patch, 0.0f);
      } else {
        std::ranges::transform(patch, scales, patch.begin(), std::multiplies<>());
      }
    }
  });
}

}  // namespace attend
