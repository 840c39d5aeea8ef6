#include "attend/captioner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "captioner/model_file_testing.h"
#include "captioner/photo_to_patches.h"
#include "captioner/spoken_caption.h"
#include "drawing/image_file.h"

namespace attend {
namespace {

using namespace testing;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

Photo random_photo(int width, int height, uint64_t seed) {
  Photo photo = {.width = width, .height = height, .rgb = {}};
  const uint64_t bytes = 3 * static_cast<uint64_t>(width) * static_cast<uint64_t>(height);
  for (uint64_t i = 0; i < bytes; ++i)
    photo.rgb.push_back(static_cast<uint8_t>(RandomKey(seed).below(i / 97, 256)));
  return photo;
}

class ACaptioner : public ::testing::Test {
 protected:
  ACaptioner() : path_(folder_ / "model.safetensors") { EXPECT_TRUE(save_tiny_model(path_, 0.3).ok()); }

  Captioner load(Executor& executor = serial_executor()) {
    Result<Captioner> captioner = Captioner::load(path_, executor);
    EXPECT_TRUE(captioner.ok()) << captioner.status().message();
    return std::move(captioner).value();
  }

  TemporaryFolder folder_;
  std::string path_;
};

void expect_same(const Caption& a, const Caption& b) {
  EXPECT_EQ(a.text, b.text);
  EXPECT_NEAR(a.log_probability, b.log_probability, 1e-4);
  ASSERT_EQ(a.words.size(), b.words.size());
  for (size_t w = 0; w < a.words.size(); ++w) {
    EXPECT_EQ(a.words[w].text, b.words[w].text);
    EXPECT_NEAR(a.words[w].probability, b.words[w].probability, 1e-4);
    ASSERT_EQ(a.words[w].attention.size(), b.words[w].attention.size());
    for (size_t i = 0; i < a.words[w].attention.size(); ++i) {
      EXPECT_NEAR(a.words[w].attention[i], b.words[w].attention[i], 1e-4);
    }
  }
}

TEST_F(ACaptioner, SaysASentenceWithAMapForEveryWord) {
  const Captioner captioner = load();
  const Result<Caption> caption = captioner.caption(random_photo(120, 50, 3));
  ASSERT_TRUE(caption.ok()) << caption.status().message();
  const Caption& c = caption.value();
  EXPECT_EQ(c.grid, 2);
  EXPECT_NEAR(c.probability, std::exp(c.log_probability), 1e-12);
  EXPECT_GT(c.probability, 0);
  std::string text;
  double product = 1;
  for (const CaptionWord& word : c.words) {
    text += (text.empty() ? "" : " ") + word.text;
    product *= word.probability;
    ASSERT_THAT(word.attention, SizeIs(4));
    double sum = 0;
    for (const float w : word.attention) sum += w;
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  EXPECT_EQ(c.text, text);
  EXPECT_GE(c.words.size(), 1u);
  EXPECT_LE(c.probability, product * (1 + 1e-6));  // the end costs too
}

TEST_F(ACaptioner, DescribesItself) {
  const Captioner captioner = load();
  EXPECT_EQ(captioner.grid(), 2);
  EXPECT_EQ(captioner.features(), 128);
  EXPECT_EQ(captioner.vocabulary(), 8);
  EXPECT_EQ(captioner.notes(), kTinyNotes);
  EXPECT_GT(captioner.parameters(), parameter_count(tiny_config().shape));
}

TEST_F(ACaptioner, PhotosInABatchGetTheCaptionsThatTheyGetAlone) {
  const Captioner captioner = load();
  std::vector<Photo> photos;
  for (uint64_t p = 0; p < 5; ++p) photos.push_back(random_photo(30 + 17 * static_cast<int>(p), 64, p));
  const Result<std::vector<Caption>> together = captioner.caption(photos);
  ASSERT_TRUE(together.ok()) << together.status().message();
  ASSERT_THAT(together.value(), SizeIs(5));
  for (size_t p = 0; p < photos.size(); ++p) {
    expect_same(together.value()[p], captioner.caption(photos[p]).value());
  }
  EXPECT_THAT(captioner.caption(std::span<const Photo>()).value(), SizeIs(0));
}

TEST_F(ACaptioner, FeaturesGiveTheCaptionsThatTheirPhotosGive) {
  const Captioner captioner = load();
  const std::vector<Photo> photos = {random_photo(64, 64, 1), random_photo(90, 20, 2)};
  CnnEncoder encoder = CnnEncoder::load(golden_encoder()).value();
  Arena arena;
  const Result<Matrix<float>> patches = photos_to_patches(photos, tiny_config().squares, encoder, arena);
  ASSERT_TRUE(patches.ok()) << patches.status().message();
  const auto captions = captioner.caption_features(patches.value().values(), 2);
  ASSERT_TRUE(captions.ok()) << captions.status().message();
  for (size_t p = 0; p < 2; ++p) expect_same(captions.value()[p], captioner.caption(photos[p]).value());
  EXPECT_THAT(captioner.caption_features(patches.value().values(), 3).status().message(),
              HasSubstr("3 photos of 2 x 2 patches with 128 features each are not 1024 numbers"));
}

TEST_F(ACaptioner, TheBytesOfTheModelMayGoAfterLoading) {
  const Photo photo = random_photo(64, 48, 5);
  std::string bytes = file_bytes(path_);
  const Result<Captioner> captioner =
      Captioner::load(std::as_bytes(std::span(bytes.data(), bytes.size())), "inside");
  ASSERT_TRUE(captioner.ok()) << captioner.status().message();
  std::ranges::fill(bytes, '\xff');
  expect_same(captioner.value().caption(photo).value(), load().caption(photo).value());
}

TEST_F(ACaptioner, WorkersDoNotChangeTheCaption) {
  const std::unique_ptr<Executor> threads = make_openmp_executor(3);
  const Captioner captioner = load(), parallel = load(*threads);
  const Photo photo = random_photo(64, 48, 6);
  expect_same(captioner.caption(photo).value(), parallel.caption(photo).value());
}

TEST_F(ACaptioner, OptionsTakeThePlaceOfTheModelsDefaults) {
  const Captioner captioner = load();
  const Photo photo = random_photo(64, 64, 9);
  CaptionOptions options;
  options.max_words = options.min_words = 4;
  options.attention = false;
  const Caption exact = captioner.caption(photo, options).value();
  int parts = 0;
  for (const CaptionWord& word : exact.words) {
    parts += 1 + static_cast<int>(word.text.find('\'') != std::string::npos);
    EXPECT_TRUE(word.attention.empty());
  }
  EXPECT_LE(static_cast<int>(exact.words.size()), 4);
  EXPECT_GE(parts, 4);
  options = {};
  options.beam = 8;
  EXPECT_GE(captioner.caption(photo, options).value().log_probability, -1e3);
  std::vector<std::string> drawn;
  for (uint64_t seed = 0; seed < 12; ++seed) {
    options = {};
    options.sample_seed = seed;
    drawn.push_back(captioner.caption(photo, options).value().text);
    EXPECT_EQ(captioner.caption(photo, options).value().text, drawn.back());
  }
  EXPECT_THAT(drawn, ::testing::Not(Each(drawn.front())));
}

TEST_F(ACaptioner, ABeamOfOneTakesTheLikeliestWordEachTime) {
  const Captioner captioner = load();
  const LoadedModel model = load_model(path_).value();
  GenerationOptions greedy = model.config.generation;
  greedy.method = GenerationOptions::Method::kGreedy;
  CaptionOptions options;
  options.beam = 1;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Arena arena;
    const Matrix<float> features = random_matrix<float>(arena, 4, 128, seed, 2.0);
    const std::unique_ptr<NextWord> next = look_at(model.model, features, serial_executor());
    const SpokenSentence expected = generate(*next, {}, greedy).at(0).at(0);
    const Caption caption = captioner.caption_features(features.values(), 1, options).value().at(0);
    EXPECT_EQ(caption.log_probability, expected.log_probability);
    EXPECT_EQ(caption.text, to_caption(expected, model.vocabulary, 2).text);
  }
}

TEST_F(ACaptioner, OptionsOutOfRangeAreNamed) {
  const Captioner captioner = load();
  const auto message = [&](auto change) {
    CaptionOptions options;
    change(options);
    const Result<Caption> caption = captioner.caption(random_photo(8, 8, 1), options);
    EXPECT_EQ(caption.status().code(), StatusCode::kInvalidArgument);
    return caption.status().message();
  };
  EXPECT_THAT(message([](auto& o) { o.beam = 0; }), HasSubstr("beam is 0"));
  EXPECT_THAT(message([](auto& o) { o.max_words = 7; }),
              HasSubstr("max_words is 7, and this model says at most 6"));
  EXPECT_THAT(message([](auto& o) { o.min_words = 7; }),
              HasSubstr("min_words is 7, and must be from 0 to max_words, which is 6"));
  EXPECT_THAT(message([](auto& o) { o.min_words = -1; }), HasSubstr("min_words is -1"));
  EXPECT_THAT(message([](auto& o) { o.max_words = 0; }), HasSubstr("max_words is 0, and must be at least 1"));
  EXPECT_THAT(message([](auto& o) { o.sample_seed = 1, o.temperature = -1; }),
              HasSubstr("temperature is -1, and must be"));
}

TEST_F(ACaptioner, OptionsThatWouldDoNothingAreNamed) {
  const Captioner captioner = load();
  CaptionOptions options;
  options.temperature = 2;
  const std::vector<float> features(static_cast<size_t>(4 * captioner.features()));
  for (const Status& status : {captioner.caption(random_photo(8, 8, 1), options).status(),
                               captioner.caption_features(features, 1, options).status()}) {
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "temperature is 2, but without sample_seed no word is drawn");
  }
  options.sample_seed = 1;
  options.beam = 1;
  EXPECT_TRUE(captioner.caption(random_photo(8, 8, 1), options).ok());
  options.beam = 3;
  const Status status = captioner.caption(random_photo(8, 8, 1), options).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("beam is 3, but must be 1 with sample_seed"));
}

TEST_F(ACaptioner, FilesAreCaptionedAsTheirPixelsAre) {
  const Captioner captioner = load();
  const Photo photo = random_photo(70, 31, 8);
  const std::string path = folder_ / "ein Föto.png";
  ASSERT_TRUE(write_image(path, photo).ok());
  const Result<Caption> caption = captioner.caption_file(path);
  ASSERT_TRUE(caption.ok()) << caption.status().message();
  expect_same(caption.value(), captioner.caption(photo).value());
  const Status absent = captioner.caption_file(folder_ / "absent.png").status();
  EXPECT_EQ(absent.code(), StatusCode::kNotFound);
  EXPECT_THAT(absent.message(), HasSubstr("absent.png"));
}

TEST_F(ACaptioner, APhotoThatLacksPixelsIsRefused) {
  const Captioner captioner = load();
  Photo photo = random_photo(10, 10, 1);
  photo.rgb.pop_back();
  EXPECT_THAT(captioner.caption(photo).status().message(),
              HasSubstr("10 x 10 pixels does not have 299 bytes"));
  EXPECT_EQ(captioner.caption(Photo{}).status().code(), StatusCode::kInvalidArgument);
}

TEST(PhotoToPatches, TheSquareIsSquashedTwiceOnlyWhenTheSidesDiffer) {
  const Photo photo = random_photo(100, 60, 4);
  const Photo once = squash(photo, 40);
  EXPECT_EQ(to_square(photo, {.squash_side = 40, .input_side = 40}).rgb, once.rgb);
  const Photo twice = to_square(photo, {.squash_side = 40, .input_side = 64});
  EXPECT_EQ(twice.width, 64);
  EXPECT_EQ(twice.height, 64);
  EXPECT_EQ(twice.rgb, squash(once, 64).rgb);
}

}  // namespace
}  // namespace attend
