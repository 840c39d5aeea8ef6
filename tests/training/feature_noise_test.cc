#include "training/feature_noise.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace attend {
namespace {

constexpr int64_t kPhotos = 3, kPatches = 40, kWidth = 50;

std::vector<float> noisy_ones(const FeatureNoise& noise, uint64_t seed, Executor& executor) {
  std::vector<float> memory(kPhotos * kPatches * kWidth, 1.0f);
  add_noise(noise, RandomKey(seed), kPatches, executor, {memory.data(), kPhotos * kPatches, kWidth});
  return memory;
}

std::vector<float> noisy_ones(const FeatureNoise& noise, uint64_t seed = 1) {
  return noisy_ones(noise, seed, serial_executor());
}

float at(const std::vector<float>& features, int64_t photo, int64_t patch, int64_t channel) {
  return features[static_cast<size_t>((photo * kPatches + patch) * kWidth + channel)];
}

TEST(FeatureNoise, NoneLeavesFeaturesAlone) {
  EXPECT_THAT(noisy_ones({}), testing::Each(1.0f));
}

TEST(FeatureNoise, AChannelFallsInAllPatchesOfItsPhotoAndTheOthersMakeUpForIt) {
  const std::vector<float> features = noisy_ones({.channel_dropout = 0.2});
  int fallen = 0;
  for (int64_t photo = 0; photo < kPhotos; ++photo) {
    for (int64_t c = 0; c < kWidth; ++c) {
      const float first = at(features, photo, 0, c);
      EXPECT_TRUE(first == 0.0f || first == 1.25f) << first;
      fallen += first == 0.0f ? 1 : 0;
      for (int64_t p = 1; p < kPatches; ++p) EXPECT_EQ(at(features, photo, p, c), first);
    }
  }
  EXPECT_NEAR(fallen, 0.2 * kPhotos * kWidth, 15);  // three standard deviations
}

TEST(FeatureNoise, APatchFallsAsAWhole) {
  const std::vector<float> features = noisy_ones({.patch_dropout = 0.3});
  int fallen = 0;
  for (int64_t photo = 0; photo < kPhotos; ++photo) {
    for (int64_t p = 0; p < kPatches; ++p) {
      const float first = at(features, photo, p, 0);
      EXPECT_TRUE(first == 0.0f || first == 1.0f) << first;
      fallen += first == 0.0f ? 1 : 0;
      for (int64_t c = 1; c < kWidth; ++c) EXPECT_EQ(at(features, photo, p, c), first);
    }
  }
  EXPECT_NEAR(fallen, 0.3 * kPhotos * kPatches, 15);
}

TEST(FeatureNoise, PhotosAndKeysDifferAndWorkersDoNot) {
  const FeatureNoise noise{.channel_dropout = 0.3, .patch_dropout = 0.3};
  const std::vector<float> features = noisy_ones(noise);
  const auto photo = [&](int64_t i) {
    const auto begin = features.begin() + i * kPatches * kWidth;
    return std::vector<float>(begin, begin + kPatches * kWidth);
  };
  EXPECT_NE(photo(0), photo(1));
  EXPECT_NE(features, noisy_ones(noise, 2));
  const std::unique_ptr<Executor> executor = make_thread_executor(3);
  EXPECT_EQ(features, noisy_ones(noise, 1, *executor));
}

}  // namespace
}  // namespace attend
