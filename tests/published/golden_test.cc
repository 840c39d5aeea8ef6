// BLIP, ViT-GPT2 and GIT in miniature against transformers 5.23 (tests/golden/make_published.py): logits,
// tokens, pixels and texts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "language/byte_level_bpe.h"
#include "language/code_points.h"
#include "language/wordpiece.h"
#include "published/config_file.h"
#include "published/image_in_words.h"
#include "published/made_checkpoint.h"
#include "published/model_parts.h"
#include "published/published_model.h"
#include "published/token_caption.h"
#include "vision/photo.h"

namespace attend {
namespace {

std::string photo_path(const std::string& name) {
  return std::string(ATTEND_EXAMPLES_DIR "/photos/") + name;
}

Photo golden_photo(const std::string& name) {
  Result<Photo> photo = load_photo(photo_path(name));
  EXPECT_TRUE(photo.ok()) << photo.status().message();
  return std::move(photo).value();
}

CaptionOptions options_of(const Json& run) {
  CaptionOptions options;
  if (run.contains("num_beams")) options.beam = run["num_beams"].get<int>();
  if (run.contains("max_length")) options.max_words = run["max_length"].get<int>();
  if (run.contains("length_penalty")) options.length_exponent = run["length_penalty"].get<double>();
  if (run.contains("prompt")) options.prompt = run["prompt"].get<std::string>();
  return options;
}

class Published : public ::testing::TestWithParam<std::string> {
 protected:
  const Json& golden() const { return golden_case(GetParam()); }
};

TEST_P(Published, SaysTheTokensThatTransformersSays) {
  TemporaryFolder folder;
  const std::unique_ptr<Executor> threads = make_thread_executor(3);
  const Photo photo = golden_photo(published_golden()["photo"]);
  const std::string path = MadeCheckpoint(golden()).write(folder);
  for (Executor* executor : {&serial_executor(), threads.get()}) {
    const Result<PublishedModel> model = PublishedModel::load(path, std::nullopt, *executor);
    ASSERT_TRUE(model.ok()) << model.status().message();
    for (const Json& run : golden()["runs"]) {
      const Result<Caption> caption = model.value().caption(photo, options_of(run));
      ASSERT_TRUE(caption.ok()) << caption.status().message();
      EXPECT_EQ(caption.value().tokens, run["ids"].get<std::vector<int32_t>>()) << run;
    }
  }
}

TEST_P(Published, HasTheLogitsOfTransformers) {
  TemporaryFolder folder;
  const std::string path = MadeCheckpoint(golden()).write(folder);
  const Json config = Json::parse(golden()["files"]["config.json"].get<std::string>());
  const Result<CheckpointFolder> checkpoint = CheckpointFolder::open(path);
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.status().message();
  WeightReader reader(checkpoint.value(), std::nullopt, serial_executor());
  const std::string kind = config["model_type"];
  const PublishedSource source{path, config, reader};
  const Result<PublishedNetwork> read = kind == "blip"  ? read_blip(source)
                                        : kind == "git" ? read_git(source)
                                                        : read_vit_gpt2(source);
  ASSERT_TRUE(read.ok()) << read.status().message();
  const PublishedNetwork& network = read.value();
  const Result<PhotoPreparation> preparation =
      read_preparation(path, network.processor, network.encoder.image_side());
  ASSERT_TRUE(preparation.ok()) << preparation.status().message();

  Arena arena;
  Pass pass(arena, serial_executor());
  const std::vector<float> pixels = prepare(golden_photo(published_golden()["photo"]), preparation.value());
  Matrix<float> image = network.encoder.forward(pixels, pass);
  if (network.projection) image = network.projection->linear.forward(image, pass);
  if (network.projection && network.projection->norm) image = network.projection->norm->forward(image, pass);
  for (const Json& logits : golden()["logits"]) {
    const std::vector<int32_t> ids = logits["ids"];
    // All at once, and a token at a time: the cache holds what a longer prompt would give.
    ImageInWords at_once(network.decoder, image, 1, 64, serial_executor());
    ImageInWords one_by_one(network.decoder, image, 1, 64, serial_executor());
    const Matrix<float> prompted = at_once.begin(ids);
    Matrix<float> stepped = one_by_one.begin({ids.data(), 1});
    for (size_t i = 1; i < ids.size(); ++i) {
      const int32_t parent = 0;
      stepped = one_by_one.advance({&parent, 1}, {&ids[i], 1});
    }
    for (size_t t = 0; t < logits["values"].size(); ++t) {
      const float expected = logits["values"][t].get<float>();
      EXPECT_NEAR(prompted.row(0)[t], expected, 1e-4f) << ids.size() << " tokens, logit " << t;
      EXPECT_NEAR(stepped.row(0)[t], expected, 1e-4f) << ids.size() << " tokens, logit " << t;
    }
  }
}

TEST_P(Published, LooksSomewhereWithEveryWord) {
  TemporaryFolder folder;
  const std::string path = MadeCheckpoint(golden()).write(folder);
  const Result<PublishedModel> model = PublishedModel::load(path, std::nullopt, serial_executor());
  ASSERT_TRUE(model.ok()) << model.status().message();
  const Result<Caption> found = model.value().caption(golden_photo(published_golden()["photo"]), {});
  ASSERT_TRUE(found.ok());
  const Caption& caption = found.value();
  EXPECT_EQ(caption.grid, model.value().grid());
  ASSERT_FALSE(caption.words.empty());
  std::string text;
  for (const CaptionWord& word : caption.words) {
    text += (text.empty() ? "" : " ") + word.text;
    ASSERT_EQ(word.attention.size(), static_cast<size_t>(caption.grid * caption.grid));
    float sum = 0;
    for (const float weight : word.attention) {
      EXPECT_GE(weight, 0.0f);
      sum += weight;
    }
    EXPECT_NEAR(sum, 1.0f, 1e-5f);
    EXPECT_GT(word.probability, 0.0);
  }
  EXPECT_EQ(text, caption.text);
}

TEST_P(Published, RoundedWeightsAreSmallAndSayHowFarOffTheyAre) {
  TemporaryFolder folder;
  const std::string path = MadeCheckpoint(golden()).write(folder);
  for (const WeightType type : {WeightType::kBFloat16, WeightType::kInt8}) {
    const Result<PublishedModel> model = PublishedModel::load(path, type, serial_executor());
    ASSERT_TRUE(model.ok()) << model.status().message();
    const std::string note = model.value().notes().at("rounded to");
    EXPECT_THAT(note,
                ::testing::StartsWith(type == WeightType::kInt8 ? "int8, off by " : "bfloat16, off by "));
    EXPECT_TRUE(model.value().caption(golden_photo(published_golden()["photo"]), {}).ok());
  }
}

INSTANTIATE_TEST_SUITE_P(Cases, Published, ::testing::ValuesIn([] {
                           std::vector<std::string> names;
                           for (const Json& one : published_golden()["cases"]) names.push_back(one["name"]);
                           return names;
                         }()),
                         [](const auto& name) {
                           std::string letters = name.param;
                           std::erase(letters, '-');
                           return letters;
                         });

TEST(Preparation, IsPillowsPathWithinOne255th) {
  for (const Json& golden : published_golden()["prepared"]) {
    const std::string kind = golden["kind"];
    const ProcessorKind processor = kind == "blip"  ? ProcessorKind::kBlip
                                    : kind == "git" ? ProcessorKind::kClip
                                                    : ProcessorKind::kVit;
    TemporaryFolder folder;  // without settings: the class's defaults
    const Result<PhotoPreparation> preparation =
        read_preparation(folder.path(), processor, golden["side"].get<int64_t>());
    ASSERT_TRUE(preparation.ok()) << preparation.status().message();
    const std::vector<float> numbers = prepare(golden_photo(golden["photo"]), preparation.value());
    for (size_t i = 0; i < golden["at"].size(); ++i) {
      const float step = 1.0f / 255.0f / (*preparation.value().deviation)[0];
      EXPECT_NEAR(numbers[golden["at"][i].get<size_t>()], golden["values"][i].get<float>(), 1.05f * step)
          << kind << ", " << golden["photo"] << ", " << golden["at"][i];
    }
  }
}

void expect_texts(const char* golden, const char* of_case, TokenizerKind kind) {
  TemporaryFolder folder;
  const std::string path = MadeCheckpoint(golden_case(of_case)).write(folder);
  const Result<std::unique_ptr<Tokenizer>> tokenizer = read_tokenizer(path, kind, 300);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  for (const Json& row : published_golden()[golden]) {
    const std::vector<int32_t> ids = row["ids"];
    EXPECT_EQ(tokenizer.value()->encode(row["text"].get<std::string>()), ids) << row["text"];
    EXPECT_EQ(tokenizer.value()->decode(ids).text, row["decoded"].get<std::string>()) << row["text"];
  }
}

TEST(Tokenizers, WordPieceIsThatOfTransformersInBothLayouts) {
  expect_texts("wordpiece", "blip", TokenizerKind::kWordPiece);
  expect_texts("wordpiece", "git", TokenizerKind::kWordPiece);
}

TEST(Tokenizers, GoByTheirSettingsAsThoseOfTransformersDo) {
  for (const Json& golden : published_golden()["tokenizers"]) {
    TemporaryFolder folder;
    for (const auto& [name, text] : golden["files"].items()) folder.file(name, text.get<std::string>());
    const TokenizerKind kind =
        golden["kind"] == "wordpiece" ? TokenizerKind::kWordPiece : TokenizerKind::kByteLevelBpe;
    const Result<std::unique_ptr<Tokenizer>> tokenizer = read_tokenizer(folder.path(), kind, 300);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
    for (const Json& row : golden["rows"]) {
      const std::vector<int32_t> ids = row["ids"];
      EXPECT_EQ(tokenizer.value()->encode(row["text"].get<std::string>()), ids) << row["text"];
      const Tokenizer::Text text = tokenizer.value()->decode(ids);
      EXPECT_EQ(to_utf8(to_code_points(text.text)), row["decoded"].get<std::string>()) << row["text"];
      ASSERT_EQ(text.ends.size(), ids.size());
      EXPECT_TRUE(std::ranges::is_sorted(text.ends));
      EXPECT_EQ(ids.empty() ? 0 : text.ends.back(), text.text.size());
    }
  }
}

TEST(Tokenizers, ByteLevelBpeIsThatOfTransformersInBothLayouts) {
  expect_texts("byte_level_bpe", "vit-gpt2", TokenizerKind::kByteLevelBpe);
  expect_texts("byte_level_bpe", "vit-gpt2-projected", TokenizerKind::kByteLevelBpe);
}

}  // namespace
}  // namespace attend
