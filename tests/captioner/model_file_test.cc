#include "captioner/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "attend/captioner.h"
#include "base/half.h"
#include "captioner/model_file_testing.h"

namespace attend {
namespace {

using namespace testing;
using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

class ModelFile : public ::testing::Test {
 protected:
  ModelFile() : path_(folder_ / "model.safetensors") {
    const Status saved = save_tiny_model(path_);
    EXPECT_TRUE(saved.ok()) << saved.message();
  }

  /// What load_model() says to the file after `change`.
  Status after(const std::function<void(ModelParts&)>& change) {
    ModelParts parts(Safetensors::open(path_).value());
    change(parts);
    const std::string changed = folder_ / "changed.safetensors";
    parts.write(changed);
    return load_model(changed).status();
  }

  /// ... after a change to the JSON in a metadata entry.
  Status after_edit(const std::string& key, const std::function<void(Json&)>& change) {
    return after([&](ModelParts& parts) {
      Json json = Json::parse(parts.metadata.at(key));
      change(json);
      parts.metadata[key] = json.dump();
    });
  }

  TemporaryFolder folder_;
  std::string path_;
};

TEST_F(ModelFile, WhatIsSavedIsLoaded) {
  Result<LoadedModel> loaded = load_model(path_);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  const ModelConfig config = tiny_config();
  EXPECT_EQ(shape_json(loaded.value().config), shape_json(config));
  EXPECT_EQ(generation_json(loaded.value().config), generation_json(config));
  EXPECT_EQ(loaded.value().vocabulary.words(), tiny_vocabulary().words());
  EXPECT_EQ(loaded.value().notes, kTinyNotes);

  CaptionModel<float> model(config.shape);
  randomize(model.parameters());
  const ParameterList<float> saved = model.parameters(), read = loaded.value().model.parameters();
  int64_t count = 0;
  for (size_t i = 0; i < saved.size(); ++i) {
    ASSERT_EQ(saved[i]->name(), read[i]->name());
    count += saved[i]->size();
    for (int64_t k = 0; k < saved[i]->size(); ++k) {
      ASSERT_EQ(read[i]->value().data[k], half_to_float(float_to_half(saved[i]->value().data[k])));
    }
  }
  EXPECT_EQ(parameter_count(config.shape), count);
  EXPECT_GT(loaded.value().parameters, count);
}

TEST_F(ModelFile, EveryKindOfAttentionIsSavedAndLoaded) {
  for (const auto& [name, kind] : kMemoryAttentions) {
    SCOPED_TRACE(name);
    ModelConfig config = tiny_config();
    config.shape.text.block.cross_attention = kind;
    CaptionModel<float> model(config.shape);
    const ParameterList<float> saved = model.parameters();
    randomize(saved);
    ASSERT_TRUE(save_model(path_, {model, config, tiny_vocabulary(), golden_encoder(), {}}).ok());
    Result<LoadedModel> loaded = load_model(path_);
    ASSERT_TRUE(loaded.ok()) << loaded.status().message();
    EXPECT_EQ(loaded.value().config.shape.text.block.cross_attention, kind);
    const ParameterList<float> read = loaded.value().model.parameters();
    ASSERT_EQ(saved.size(), read.size());
    int64_t count = 0;
    for (size_t i = 0; i < saved.size(); ++i) {
      EXPECT_EQ(saved[i]->name(), read[i]->name());
      count += saved[i]->size();
    }
    EXPECT_EQ(parameter_count(config.shape), count);
  }
}

// What was written before there was a choice has no such field, and nor has what is written without one.
TEST_F(ModelFile, MultiHeadAttentionGoesWithoutSaying) {
  EXPECT_EQ(shape_json(tiny_config()).find("attention"), std::string::npos);
  EXPECT_TRUE(after_edit("config", [](Json& j) { j["text"]["attention"] = "multihead"; }).ok());
  EXPECT_THAT(after_edit("config", [](Json& j) { j["text"]["attention"] = "tanh"; }).message(),
              HasSubstr("cross_attention"));
}

TEST_F(ModelFile, TheEncoderIsCopiedExactly) {
  Result<LoadedModel> loaded = load_model(path_);
  Result<CnnEncoder> original = CnnEncoder::load(golden_encoder());
  ASSERT_TRUE(loaded.ok() && original.ok());
  Photo photo = {.width = 64, .height = 64, .rgb = {}};
  for (uint64_t i = 0; i < 64 * 64 * 3; ++i)
    photo.rgb.push_back(static_cast<uint8_t>(RandomKey(1).below(i, 256)));
  Arena arena;
  const Matrix<float> a = arena.matrix<float>(4, 128), b = arena.matrix<float>(4, 128);
  ASSERT_TRUE(loaded.value().encoder.encode(photo, a).ok());
  ASSERT_TRUE(original.value().encode(photo, b).ok());
  expect_same_bits<float>(a, b, "features");
}

TEST_F(ModelFile, SavingTwiceGivesTheSameBytes) {
  ASSERT_TRUE(save_tiny_model(folder_ / "again.safetensors").ok());
  EXPECT_EQ(file_bytes(path_), file_bytes(folder_ / "again.safetensors"));
}

TEST_F(ModelFile, PartsThatDoNotFitAreNotSaved) {
  const ModelConfig config = tiny_config();
  CaptionModel<float> model(config.shape);
  const std::string path = folder_ / "refused.safetensors";
  const auto message = [&](const ModelConfig& c, const Vocabulary& v) {
    return save_model(path, {model, c, v, golden_encoder(), {}}).message();
  };
  ModelConfig other = config;
  other.shape.text.layers = 1;
  EXPECT_THAT(message(other, tiny_vocabulary()), HasSubstr("the model's shape is"));
  other = config;
  other.squares.input_side = 96;
  EXPECT_THAT(message(other, tiny_vocabulary()),
              HasSubstr("patches.grid 2 of 32-pixel patches does not fit input_side 96"));
  EXPECT_THAT(message(config, Vocabulary::parse("<start>\n<end>\n<unknown>\ndog", "words").value()),
              HasSubstr("the vocabulary has 4 words and the model 11"));
  model.parameters()[0]->value().data[3] = 1e6f;
  EXPECT_THAT(message(config, tiny_vocabulary()), HasSubstr("patches.project.weight holds 1000000"));
  model.parameters()[0]->value().data[3] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(message(config, tiny_vocabulary()), HasSubstr("patches.project.weight holds nan"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(ModelFile, TensorsThatAreMissingUnknownMisshapenOrNotFiniteAreNamed) {
  EXPECT_THAT(after([](ModelParts& p) { p.tensors.erase("text.blocks.1.norm2.bias"); }).message(),
              AllOf(HasSubstr("changed.safetensors"), HasSubstr("text.blocks.1.norm2.bias")));
  EXPECT_THAT(
      after([](ModelParts& p) {
        p.tensors.emplace("text.blocks.2.norm1.bias", p.tensors.at("text.norm.bias"));
      }).message(),
      AllOf(HasSubstr("changed.safetensors"), HasSubstr("text.blocks.2.norm1.bias is no part of the model")));
  EXPECT_THAT(after([](ModelParts& p) {
                p.tensors.at("text.words.weight").shape = {8, 11};
              }).message(),
              AllOf(HasSubstr("changed.safetensors"), HasSubstr("text.words.weight")));
  EXPECT_THAT(
      after([](ModelParts& p) { p.tensors.at("patches.rows").values[0] = -INFINITY; }).message(),
      AllOf(HasSubstr("changed.safetensors"), HasSubstr("patches.rows holds a number that is not finite")));
  EXPECT_THAT(after([](ModelParts& p) { p.tensors.erase("encoder.head.weight"); }).message(),
              AllOf(HasSubstr("changed.safetensors"), HasSubstr("encoder.head.weight")));
}

TEST_F(ModelFile, MetadataThatIsMissingOrStrangeIsNamed) {
  for (const std::string key : {"format", "config", "generation", "vocabulary", "encoder.strides"}) {
    const Status status = after([&](ModelParts& p) { p.metadata.erase(key); });
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << key;
    EXPECT_THAT(status.message(), AllOf(HasSubstr("changed.safetensors"), HasSubstr(key)));
  }
  const Status version =
      after([](ModelParts& p) { p.metadata["format"] = std::string("attend.captioner/2"); });
  EXPECT_EQ(version.code(), StatusCode::kUnsupported);
  EXPECT_THAT(version.message(), HasSubstr("attend.captioner/2"));
  EXPECT_THAT(after([](ModelParts& p) { p.metadata["config"] = std::string("{"); }).message(),
              HasSubstr("config is not JSON"));
  EXPECT_THAT(after([](ModelParts& p) { p.metadata["config"] = std::string("[]"); }).message(),
              HasSubstr("config is not an object"));
  EXPECT_THAT(after([](ModelParts& p) { p.metadata["config"] = std::string(70000, ' '); }).message(),
              HasSubstr("config has 70000 bytes"));
  EXPECT_THAT(after([](ModelParts& p) { p.metadata["config"] = std::string(60000, '['); }).message(),
              HasSubstr("config is not JSON"));
  EXPECT_THAT(after([](ModelParts& p) { p.metadata["vocabulary"] += "\nextra"; }).message(),
              HasSubstr("vocabulary has 12 words where config says 11"));
  EXPECT_THAT(after([](ModelParts& p) { p.metadata["vocabulary"] = std::string("dog"); }).message(),
              HasSubstr("vocabulary line 1"));
}

TEST_F(ModelFile, AConfigThatMakesNoSenseIsRefusedByField) {
  struct Case {
    std::function<void(Json&)> change;
    const char* expected;
  };
  const std::vector<Case> cases = {
      {[](Json& j) { j.erase("squash_side"); }, "config.squash_side is missing"},
      {[](Json& j) { j["patches"].erase("grid"); }, "config.patches.grid is missing"},
      {[](Json& j) { j["text"]["beauty"] = 1; }, "config.text.beauty is not a field"},
      {[](Json& j) { j["text"] = 7; }, "config.text is not an object"},
      {[](Json& j) { j["text"]["layers"] = "two"; }, "config.text.layers is not an integer"},
      {[](Json& j) { j["text"]["layers"] = 2.5; }, "config.text.layers is not an integer"},
      {[](Json& j) { j["text"]["layers"] = 1e300; }, "config.text.layers is not an integer"},
      {[](Json& j) { j["text"]["layers"] = std::numeric_limits<uint64_t>::max(); },
       "config.text.layers is not an integer"},
      {[](Json& j) { j["text"]["layers"] = std::numeric_limits<int64_t>::min(); },
       "config.text.layers is not an integer"},
      {[](Json& j) { j["text"]["layers"] = 0; }, "text.layers is 0"},
      {[](Json& j) { j["text"]["layers"] = -1; }, "text.layers is -1"},
      {[](Json& j) { j["text"]["attention"] = "cosine"; }, "config.text.attention is no kind of attention"},
      {[](Json& j) { j["text"]["attention"] = 1; }, "config.text.attention is no kind of attention"},
      {[](Json& j) { j["patches"]["attention"] = "tanh"; }, "config.patches.attention is not a field"},
      {[](Json& j) { j["text"]["norm"] = "middle"; }, "config.text.norm is neither"},
      {[](Json& j) { j["text"]["heads"] = 3; }, "text.width 8 is not a multiple of its 3 heads"},
      {[](Json& j) {
         j["text"].update({{"width", 1032}, {"heads", 1}});
       },
       "text.width 1032 makes each of its heads 1032 wide, more than 1024"},
      {[](Json& j) { j["text"]["width"] = 16; }, "patches.width 8 differs from text.width 16"},
      {[](Json& j) { j["text"]["vocabulary"] = 2000000000; }, "text.vocabulary is 2000000000"},
      {[](Json& j) { j["patches"]["grid"] = 3; },
       "patches.grid 3 of 32-pixel patches does not fit input_side 64"},
      {[](Json& j) { j["input_side"] = 1000000; }, "input_side is 1000000"},
      {[](Json& j) { j["squash_side"] = 0; }, "squash_side is 0"},
      {[](Json& j) { j["text"]["max_length"] = 6; }, "max_length is 6, and must be from 1 to 5"},
  };
  for (const Case& c : cases) {
    const Status status = after_edit("config", c.change);
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << c.expected;
    EXPECT_THAT(status.message(), AllOf(HasSubstr("changed.safetensors"), HasSubstr(c.expected)));
  }
  EXPECT_THAT(after_edit("generation", [](Json& j) { j["beam"] = 0; }).message(), HasSubstr("beam is 0"));
  EXPECT_THAT(after_edit("generation", [](Json& j) { j["length_exponent"] = "x"; }).message(),
              HasSubstr("generation.length_exponent is not a number"));
}

TEST_F(ModelFile, AConfigCannotAskForMoreMemoryThanTheFileAccountsFor) {
  const Status status = after_edit("config", [](Json& j) {
    for (const char* part : {"text", "patches"}) {
      j[part]["width"] = 8192;
      j[part]["heads"] = 8;
      j[part]["hidden"] = 65536;
      j[part]["layers"] = 96;
    }
  });
  EXPECT_EQ(status.code(), StatusCode::kCorrupt);
  EXPECT_THAT(status.message(), HasSubstr("config asks for"));
}

TEST_F(ModelFile, ATruncatedFileIsRefusedAtEveryLength) {
  const std::string bytes = file_bytes(path_);
  ASSERT_GT(bytes.size(), 10000u);
  for (size_t length = 0; length < bytes.size(); length += length < 64 ? 1 : 1009) {
    const Status status = load_bytes(bytes.substr(0, length)).status();
    EXPECT_EQ(status.code(), StatusCode::kCorrupt) << length;
    EXPECT_THAT(status.message(), HasSubstr("hostile.safetensors"));
  }
}

TEST_F(ModelFile, AFlippedBitIsRefusedOrOnlyMakesAnotherModel) {
  const std::string bytes = file_bytes(path_);
  const size_t header = 8 + static_cast<size_t>(static_cast<uint8_t>(bytes[0])) +
                        (static_cast<size_t>(static_cast<uint8_t>(bytes[1])) << 8);
  ASSERT_LT(header, bytes.size());
  int refused = 0;
  for (uint64_t i = 0; i < 160; ++i) {
    std::string flipped = bytes;
    // The first half of the flips hit the header, where a file says what it is.
    const uint64_t at = RandomKey(8).below(i, i < 80 ? header : bytes.size());
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << RandomKey(9).below(i, 8)));
    const Result<Captioner> captioner =
        Captioner::load(std::as_bytes(std::span(flipped.data(), flipped.size())), "flipped.safetensors");
    if (!captioner.ok()) {
      ++refused;
      EXPECT_THAT(captioner.status().message(), HasSubstr("flipped.safetensors"));
      continue;
    }
    const std::vector<float> features(
        static_cast<size_t>(captioner.value().grid() * captioner.value().grid()) *
            static_cast<size_t>(captioner.value().features()),
        0.5f);
    EXPECT_TRUE(captioner.value().caption_features(features, 1).ok());
  }
  EXPECT_GT(refused, 40);
}

TEST_F(ModelFile, AFileThatIsNotThereIsNamed) {
  const Status status = load_model(folder_ / "absent.safetensors").status();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("absent.safetensors"));
}

}  // namespace
}  // namespace attend
