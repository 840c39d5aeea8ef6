#include "vision/cnn_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <thread>

#include "golden_photo.h"
#include "made_images.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kChannels = 128;

CnnEncoder golden_encoder() {
  Result<CnnEncoder> encoder = CnnEncoder::load(open_golden("vision_encoder.safetensors"));
  EXPECT_TRUE(encoder.ok()) << encoder.status().message();
  return std::move(encoder).value();
}

std::vector<float> encode(CnnEncoder& encoder, const Photo& photo) {
  const int64_t patches = (photo.width / 32) * (photo.height / 32);
  std::vector<float> features(static_cast<size_t>(patches * kChannels), kNaN);
  const Status status = encoder.encode(photo, {features.data(), patches, kChannels});
  EXPECT_TRUE(status.ok()) << status.message();
  return features;
}

/// Largest difference, as a part of ReLU6's range; NaN anywhere makes it infinite.
float distance(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  float largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const float difference = std::abs(a[i] - b[i]) / 6.0f;
    if (!(difference <= largest)) largest = std::isnan(difference) ? INFINITY : difference;
  }
  return largest;
}

TEST(CnnEncoder, HasTheFeaturesThatPyTorchComputes) {
  const Safetensors golden = open_golden("vision_encoder.safetensors");
  CnnEncoder encoder = golden_encoder();
  EXPECT_EQ(encoder.channels(), kChannels);
  EXPECT_EQ(encoder.patch_side(), 32);
  for (const std::string name : {"wide", "square", "wide"}) {
    const std::vector<int64_t> shape = golden.shape(name + ".features").value();
    std::vector<float> expected(static_cast<size_t>(shape[0] * shape[1]));
    ASSERT_TRUE(golden.read(name + ".features", shape, expected).ok());
    EXPECT_LT(distance(encode(encoder, golden_photo(golden, name + ".photo")), expected), 1e-5f) << name;
  }
}

TEST(CnnEncoder, GivesEachPhotoOfABatchWhatItWouldGetAlone) {
  CnnEncoder encoder = golden_encoder();
  const Photo wide = golden_photo(open_golden("vision_encoder.safetensors"), "wide.photo");
  Photo dark = wide;
  for (uint8_t& value : dark.rgb) value = static_cast<uint8_t>(value / 3);
  const Photo photos[] = {wide, dark, wide};
  constexpr int64_t kPatches = 6;
  std::vector<float> together(static_cast<size_t>(3 * kPatches * kChannels), kNaN);
  ASSERT_TRUE(encoder.encode(photos, {together.data(), 3 * kPatches, kChannels}).ok());
  for (size_t i = 0; i < 3; ++i) {
    const auto begin = together.begin() + static_cast<int64_t>(i) * kPatches * kChannels;
    const std::vector<float> one(begin, begin + kPatches * kChannels);
    EXPECT_LT(distance(one, encode(encoder, photos[i])), 1e-5f) << i;
  }
  EXPECT_GT(distance(encode(encoder, wide), encode(encoder, dark)), 0.01f);
}

TEST(CnnEncoder, GivesTheSameBitsAgainAfterOtherSizes) {
  CnnEncoder encoder = golden_encoder();
  const Photo wide = golden_photo(open_golden("vision_encoder.safetensors"), "wide.photo");
  const std::vector<float> first = encode(encoder, wide);
  EXPECT_EQ(encode(encoder, wide), first);
  for (const int side : {32, 64, 160})
    encode(encoder, quarters(side, side));  // more sizes than plans are kept
  EXPECT_EQ(encode(encoder, wide), first);
}

TEST(CnnEncoder, MayBeCalledFromSeveralThreads) {
  CnnEncoder encoder = golden_encoder();
  const Photo small = quarters(32, 32), large = quarters(96, 64);
  const std::vector<float> of_small = encode(encoder, small), of_large = encode(encoder, large);
  std::vector<std::thread> threads;
  std::array<int, 4> differences{};
  for (size_t t = 0; t < differences.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) {
        differences[t] += encode(encoder, t % 2 == 0 ? small : large) != (t % 2 == 0 ? of_small : of_large);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(differences, ::testing::Each(0));
}

TEST(CnnEncoder, NamesTheSizesThatDisagree) {
  CnnEncoder encoder = golden_encoder();
  std::vector<float> features(6 * kChannels, -1.0f);
  const Matrix<float> patches(features.data(), 6, kChannels);
  const auto message = [&](const Photo& photo, const Matrix<float>& out) {
    const Status status = encoder.encode(photo, out);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    return status.message();
  };
  EXPECT_THAT(message(quarters(100, 64), patches), HasSubstr("100 x 64"));
  EXPECT_THAT(message(quarters(16, 16), patches), HasSubstr("multiples of 32"));
  EXPECT_THAT(message(Photo{}, patches), HasSubstr("0 x 0"));
  EXPECT_THAT(message(quarters(64, 64), patches), HasSubstr("6 x 128 where 4 x 128"));
  EXPECT_THAT(message(quarters(96, 64), {features.data(), 6, 7}), HasSubstr("6 x 7 where 6 x 128"));
  Photo torn = quarters(96, 64);
  torn.rgb.pop_back();
  EXPECT_THAT(message(torn, patches), HasSubstr("18431 bytes where 18432"));
  const Photo mixed[] = {quarters(96, 64), quarters(64, 96)};
  EXPECT_THAT(encoder.encode(mixed, patches).message(), HasSubstr("96 x 64 and 64 x 96"));
  EXPECT_FALSE(encoder.encode(std::span<const Photo>(), patches).ok());
  EXPECT_THAT(features, ::testing::Each(-1.0f));
}

/// The golden encoder written anew after `change`, and what loading it says.
Status load_changed(const std::function<void(std::map<std::string, std::vector<int64_t>>&,
                                             std::map<std::string, std::string>&)>& change) {
  const Safetensors golden = open_golden("vision_encoder.safetensors");
  std::map<std::string, std::vector<int64_t>> shapes;
  for (const auto& [name, tensor] : golden.tensors()) {
    if (name.starts_with("encoder.")) shapes[name] = tensor.shape;
  }
  std::map<std::string, std::string> metadata = golden.metadata();
  change(shapes, metadata);
  std::vector<float> zeros(1 << 20);
  std::vector<TensorToWrite> tensors;
  for (const auto& [name, shape] : shapes) {
    size_t count = 1;
    for (const int64_t extent : shape) count *= static_cast<size_t>(extent);
    tensors.push_back({name, shape, std::span(zeros).first(count)});
  }
  const std::string path = (std::filesystem::temp_directory_path() /
                            ("attend_encoder_" + std::to_string(::getpid()) + ".safetensors"))
                               .string();
  EXPECT_TRUE(write_safetensors(path, tensors, metadata).ok());
  const Result<Safetensors> file = Safetensors::open(path);
  EXPECT_TRUE(file.ok());
  Status status = CnnEncoder::load(file.value()).status();
  std::filesystem::remove(path);
  if (!status.ok()) {
    EXPECT_THAT(status.message(), ::testing::StartsWith(path + ": "));
  }
  return status;
}

TEST(CnnEncoder, LoadsOnlyWhatFitsTogether) {
  EXPECT_TRUE(load_changed([](auto&, auto&) {}).ok());
  const auto message = [](const auto& change) { return load_changed(change).message(); };

  EXPECT_THAT(message([](auto&, auto& m) { m.erase("encoder.strides"); }), HasSubstr("encoder.strides"));
  EXPECT_THAT(message([](auto&, auto& m) { m["encoder.architecture"] = "vit"; }), HasSubstr("architecture"));
  for (const char* strides :
       {"", "1 2 x", "1 2 0", "1 2 -1", "1 9", "4 4 4 4 4 4 4 4 4", "1 2 1 2 1 2 1 1 2 1.5"}) {
    EXPECT_THAT(message([&](auto&, auto& m) { m["encoder.strides"] = strides; }), HasSubstr("no list"))
        << strides;
  }
  EXPECT_THAT(message([](auto&, auto& m) { m["encoder.strides"] = "1 2 1"; }), HasSubstr("counts 3 blocks"));
  EXPECT_THAT(message([](auto&, auto& m) { m["encoder.strides"] += " 1"; }), HasSubstr("blocks.9"));
  EXPECT_THAT(message([](auto& s, auto&) { s.erase("encoder.stem.bias"); }), HasSubstr("encoder.stem.bias"));
  EXPECT_THAT(message([](auto& s, auto&) { s.erase("encoder.blocks.4.project.weight"); }),
              HasSubstr("encoder.blocks.4.project.weight"));
  EXPECT_THAT(message([](auto& s, auto&) {
                s["encoder.stem.weight"] = {8, 4, 3, 3};
              }),
              HasSubstr("3 channels"));
  EXPECT_THAT(message([](auto& s, auto&) { s["encoder.stem.weight"] = {8, 3, 3, 5}; }), HasSubstr("square"));
  EXPECT_THAT(message([](auto& s, auto&) { s["encoder.stem.weight"] = {8, 3, 2, 2}; }), HasSubstr("odd"));
  EXPECT_THAT(message([](auto& s, auto&) {
                s["encoder.stem.weight"] = {8, 27};
              }),
              HasSubstr("encoder.stem.weight"));
  EXPECT_THAT(message([](auto& s, auto&) { s["encoder.stem.bias"] = {9}; }), HasSubstr("[9] where [8]"));
  EXPECT_THAT(message([](auto& s, auto&) {
                s["encoder.blocks.1.depthwise.weight"] = {31, 1, 3, 3};
              }),
              HasSubstr("encoder.blocks.1.depthwise.weight"));
  EXPECT_THAT(message([](auto& s, auto&) {
                s["encoder.head.weight"] = {0, 32, 1, 1};
              }),
              HasSubstr("encoder.head"));
}

TEST(CnnEncoder, ReadsUnderAnyPrefixButItsOwnOnly) {
  EXPECT_FALSE(CnnEncoder::load(open_golden("vision_encoder.safetensors"), "vision.").ok());
  EXPECT_FALSE(CnnEncoder::load(open_golden("vision_squash.safetensors")).ok());
}

}  // namespace
}  // namespace attend
