#include "training/feature_cache.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>

#include "base/half.h"
#include "cli/temporary_folder.h"
#include "training/views.h"
#include "vision/cnn_encoder.h"
#include "vision/made_images.h"

namespace attend {
namespace {

/// A small encoder of random weights with patches of 32 pixels.
Safetensors encoder_file() {
  return Safetensors::open(std::string(ATTEND_GOLDEN_DIR) + "/vision_encoder.safetensors").value();
}

Photo gradient_photo(int width, int height, int seed) {
  Photo photo{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (const int c : {x * 255 / width, y * 255 / height, (x * y + seed * 40) % 256}) {
        photo.rgb.push_back(static_cast<uint8_t>(c));
      }
    }
  }
  return photo;
}

std::string write_png(const TemporaryFolder& folder, const std::string& name, const Photo& photo) {
  return folder.file(name, encoded(to_vips(photo), ".png"));
}

struct Scene {
  TemporaryFolder folder;
  FeatureRequest request;
  std::vector<std::string> photos;
  int64_t calls = 0;

  Scene() {
    EXPECT_EQ(VIPS_INIT("attend_training_tests"), 0);
    request.squares = {.squash_side = 48, .input_side = 64};
    request.folder = folder / "cache";
    for (int i = 0; i < 11; ++i) {
      photos.push_back(
          write_png(folder, "photo" + std::to_string(i) + ".png", gradient_photo(40 + i, 50, i)));
    }
  }
  Result<FeatureFile> features() {
    Result<PhotoFiles> files = read_photo_files(photos, serial_executor());
    if (!files.ok()) return files.status();
    request.photos = std::move(files).value();
    return cached_features(request, encoder_file(), serial_executor(), [this](int64_t, int64_t) { ++calls; });
  }
  int64_t caches() const {
    const std::filesystem::directory_iterator files(request.folder);
    return std::distance(begin(files), end(files));
  }
};

/// The features of photo `i` are the encoder's of its window, and of that in the mirror.
void expect_encoders_view(const Scene& scene, const FeatureFile& file, CnnEncoder& encoder, int64_t i) {
  std::vector<float> expected(static_cast<size_t>(4 * encoder.channels()));
  const Matrix<float> patches(expected.data(), 4, encoder.channels());
  const Photo photo = load_photo(scene.photos[static_cast<size_t>(i)]).value();
  for (const bool mirrored : {false, true}) {
    const Window window = window_of(i, scene.request.crop, mirrored);
    const Photo square = to_square(cut(photo, window), scene.request.squares);
    ASSERT_TRUE(encoder.encode(mirrored ? mirror(square) : square, patches).ok());
    const std::span<const uint16_t> cached = file.features(i, mirrored);
    for (size_t e = 0; e < expected.size(); ++e) {
      ASSERT_NEAR(half_to_float(cached[e]), expected[e], 1e-5 + std::ldexp(std::abs(expected[e]), -10))
          << i << e;
    }
  }
}

TEST(CachedFeatures, TheyAreTheEncodersOfThePhotoOrItsWindowAndOfTheMirrorImage) {
  CnnEncoder encoder = CnnEncoder::load(encoder_file()).value();
  for (const int crop : {0, 2}) {
    Scene scene;
    scene.request.crop = crop;
    const Result<FeatureFile> file = scene.features();
    ASSERT_TRUE(file.ok()) << file.status().message();
    EXPECT_EQ(file.value().shape().patches, 4);
    for (const int64_t i : {0, 7, 8, 9, 10}) expect_encoders_view(scene, file.value(), encoder, i);
  }
}

TEST(CachedFeatures, ASecondRequestComputesNothing) {
  Scene scene;
  ASSERT_TRUE(scene.features().ok());
  const int64_t calls = scene.calls;
  EXPECT_GT(calls, 0);
  ASSERT_TRUE(scene.features().ok());
  EXPECT_EQ(scene.calls, calls);
}

TEST(CachedFeatures, OtherSidesPhotosOrCropsAreAnotherCache) {
  Scene scene;
  ASSERT_TRUE(scene.features().ok());
  scene.request.squares.squash_side = 32;
  ASSERT_TRUE(scene.features().ok());
  EXPECT_EQ(scene.caches(), 2);
  scene.request.squares.input_side = 96;
  ASSERT_TRUE(scene.features().ok());
  scene.photos.pop_back();
  ASSERT_TRUE(scene.features().ok());
  write_png(scene.folder, "photo3.png", gradient_photo(90, 90, 3));
  ASSERT_TRUE(scene.features().ok());
  EXPECT_EQ(scene.caches(), 5);
  scene.request.crop = 1;
  ASSERT_TRUE(scene.features().ok());
  scene.request.crop = 2;
  ASSERT_TRUE(scene.features().ok());
  EXPECT_EQ(scene.caches(), 7);
}

TEST(CachedFeatures, APhotoOfTheSameNameAndLengthIsAnotherCache) {
  Scene scene;
  ASSERT_TRUE(scene.features().ok());
  std::string bytes = encoded(to_vips(gradient_photo(43, 50, 3)), ".png");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);  // of a checksum that nobody looks at
  scene.folder.file("photo3.png", bytes);
  ASSERT_TRUE(scene.features().ok());
  EXPECT_EQ(scene.caches(), 2);
}

TEST(PhotoFiles, TheFingerprintIsThatOfNamesBytesAndOrderForAnyNumberOfWorkers) {
  const TemporaryFolder folder;
  folder.folder("a");
  folder.folder("b");
  const std::string one = folder.file("a/one", "1"), two = folder.file("a/two", "22");
  const std::unique_ptr<Executor> threads = make_thread_executor(3);
  const auto of = [&](std::vector<std::string> paths) {
    return read_photo_files(std::move(paths), *threads).value().fingerprint;
  };
  const uint64_t both = of({one, two});
  EXPECT_EQ(read_photo_files({one, two}, serial_executor()).value().fingerprint, both);
  EXPECT_EQ(of({folder.file("b/one", "1"), two}), both) << "folders may move";
  EXPECT_NE(of({two, one}), both);
  EXPECT_NE(of({folder.file("b/uno", "1"), two}), both);
  EXPECT_NE(of({folder.file("b/one", "3"), two}), both);
}

TEST(CachedFeatures, APhotoThatIsMissingOrBrokenIsNamed) {
  Scene scene;
  scene.folder.file("photo8.png", "not a photo");
  const Result<FeatureFile> broken = scene.features();
  ASSERT_FALSE(broken.ok());
  EXPECT_NE(broken.status().message().find("photo8.png"), std::string::npos) << broken.status().message();
  std::filesystem::remove(scene.folder / "photo8.png");
  const Result<FeatureFile> missing = scene.features();
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.status().code(), StatusCode::kNotFound);
  EXPECT_NE(missing.status().message().find("photo8.png"), std::string::npos);
}

}  // namespace
}  // namespace attend
