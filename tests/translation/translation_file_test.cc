#include "translation/translation_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/half.h"
#include "cli/temporary_folder.h"
#include "translation/file_testing.h"

namespace attend::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using Json = nlohmann::json;

/// The parts of a model file, to be damaged and written again.
struct Parts {
  std::map<std::string, std::pair<std::vector<int64_t>, std::vector<float>>> tensors;
  std::string pieces;
  StoredType pieces_stored = StoredType::kBytes;
  std::map<std::string, std::string> metadata;
};

class TranslationFile : public ::testing::Test {
 protected:
  TranslationFile() : path_(folder_ / "model.safetensors") {
    const Status saved = save_toy_model(path_);
    EXPECT_TRUE(saved.ok()) << saved.message();
  }

  Status load(const std::string& path) const {
    const Result<Safetensors> file = Safetensors::open(path);
    return file.ok() ? load_translation_model(file.value()).status() : file.status();
  }

  /// What loading says to the file after `change`.
  Status after(const std::function<void(Parts&)>& change) const {
    const Safetensors file = Safetensors::open(path_).value();
    Parts parts;
    parts.metadata = file.metadata();
    for (const auto& [name, tensor] : file.tensors()) {
      if (name == "pieces") {
        parts.pieces.assign(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
        continue;
      }
      std::vector<float> values(tensor.bytes.size() / 2);
      EXPECT_TRUE(file.read(name, tensor.shape, values).ok());
      parts.tensors[name] = {tensor.shape, values};
    }
    change(parts);
    std::vector<TensorToWrite> all;
    for (const auto& [name, tensor] : parts.tensors)
      all.push_back({name, tensor.first, tensor.second, StoredType::kFloat16});
    const std::vector<float> numbers(parts.pieces.size());
    if (!parts.pieces.empty()) {
      all.push_back({"pieces",
                     {std::ssize(parts.pieces)},
                     numbers,
                     parts.pieces_stored,
                     std::as_bytes(std::span(parts.pieces.data(), parts.pieces.size()))});
    }
    const std::string changed = folder_ / "changed.safetensors";
    EXPECT_TRUE(write_safetensors(changed, all, parts.metadata).ok());
    return load(changed);
  }

  Status after_edit(const std::function<void(Json&)>& change) const {
    return after([&](Parts& parts) {
      Json json = Json::parse(parts.metadata.at("config"));
      change(json);
      parts.metadata["config"] = json.dump();
    });
  }

  TemporaryFolder folder_;
  std::string path_;
};

TEST_F(TranslationFile, WhatIsSavedIsLoaded) {
  const Safetensors file = Safetensors::open(path_).value();
  Result<LoadedTranslationModel> loaded = load_translation_model(file);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(shape_json(loaded.value().config), shape_json(toy_config()));
  EXPECT_EQ(generation_json(loaded.value().config), generation_json(toy_config()));
  EXPECT_EQ(loaded.value().pieces.serialised(), toy_pieces().serialised());
  EXPECT_EQ(loaded.value().notes, kToyNotes);
  TranslationModel<float> model(toy_config().shape);
  randomize(model.parameters());
  const ParameterList<float> expected = model.parameters(), found = loaded.value().model.parameters();
  ASSERT_EQ(found.size(), expected.size());
  int64_t numbers = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    for (int64_t j = 0; j < found[i]->size(); ++j) {
      ASSERT_EQ(found[i]->value().data[j], half_to_float(float_to_half(expected[i]->value().data[j])));
    }
    numbers += found[i]->size();
  }
  EXPECT_EQ(numbers, parameter_count(toy_config().shape));
}

TEST_F(TranslationFile, AnUnchangedCopyIsStillRead) {
  EXPECT_TRUE(after([](Parts&) {}).ok());
}

TEST_F(TranslationFile, EveryTensorThatIsMissingMisshapenOrNotFiniteIsNamed) {
  const Safetensors file = Safetensors::open(path_).value();
  for (const auto& [name, tensor] : file.tensors()) {
    if (name == "pieces") continue;
    const auto says = AllOf(HasSubstr("changed.safetensors"), HasSubstr(name));
    EXPECT_THAT(after([&](Parts& p) { p.tensors.erase(name); }).message(), says);
    EXPECT_THAT(after([&](Parts& p) { p.tensors[name].first.push_back(1); }).message(), says);
    EXPECT_THAT(after([&](Parts& p) { p.tensors[name].second.back() = std::nanf(""); }).message(), says);
  }
  EXPECT_THAT(after([](Parts& p) {
                p.tensors["encoder.more"] = {{1}, {0}};
              }).message(),
              HasSubstr("encoder.more is no part of the model"));
}

TEST_F(TranslationFile, PiecesThatAreMissingDamagedOrTooFewAreTold) {
  EXPECT_THAT(after([](Parts& p) { p.pieces.clear(); }).message(), HasSubstr("lacks the tensor pieces"));
  EXPECT_THAT(after([](Parts& p) { p.pieces = "none"; }).message(), HasSubstr("not a SentencePiece model"));
  EXPECT_THAT(after([](Parts& p) { p.pieces_stored = StoredType::kFloat16; }).message(),
              HasSubstr("has type F16 where U8 is due"));
  std::vector<std::string> sentences;
  for (int i = 0; i < 24; ++i) sentences.push_back(toy_sentence(i, true));
  const Result<SentencePieces> trained = SentencePieces::train(sentences, 25);
  ASSERT_TRUE(trained.ok()) << trained.status().message();
  const std::string fewer = trained.value().serialised();
  EXPECT_THAT(after([&](Parts& p) { p.pieces = fewer; }).message(),
              HasSubstr("there are 25 pieces where config says 36"));
}

TEST_F(TranslationFile, NumbersThatNoModelHasAreRefusedBeforeAnythingIsMade) {
  EXPECT_THAT(after_edit([](Json& j) { j["decoder"]["layers"] = 2000000; }).message(),
              HasSubstr("decoder.layers"));
  EXPECT_THAT(after_edit([](Json& j) { j["decoder"]["layers"] = 90; }).message(),
              HasSubstr("config asks for"));
  EXPECT_THAT(after_edit([](Json& j) { j["encoder"]["width"] = 800; }).message(), HasSubstr("differs from"));
  EXPECT_THAT(after_edit([](Json& j) { j["encoder"]["heads"] = 3; }).message(), HasSubstr("not a multiple"));
  EXPECT_THAT(after_edit([](Json& j) {
                j["encoder"].update({{"width", 4096}, {"heads", 2}});
              }).message(),
              HasSubstr("encoder.width 4096 makes each of its heads 2048 wide, more than 1024"));
  EXPECT_THAT(after_edit([](Json& j) { j["decoder"]["max_length"] = -1; }).message(),
              HasSubstr("max_length"));
  EXPECT_THAT(after_edit([](Json& j) { j["decoder"]["pieces"] = "many"; }).message(), HasSubstr("pieces"));
  EXPECT_THAT(after_edit([](Json& j) { j.erase("source"); }).message(),
              HasSubstr("config.source is missing"));
  EXPECT_THAT(after_edit([](Json& j) { j["target"] = 7; }).message(), HasSubstr("config.target is not text"));
  EXPECT_THAT(after_edit([](Json& j) { j["more"] = 1; }).message(), HasSubstr("config.more"));
}

TEST_F(TranslationFile, AnotherFormatAndMissingMetadataAreTold) {
  EXPECT_EQ(after([](Parts& p) { p.metadata["format"] = "attend.captioner/1"; }).code(),
            StatusCode::kUnsupported);
  for (const char* key : {"format", "config", "generation"}) {
    EXPECT_THAT(after([&](Parts& p) { p.metadata.erase(key); }).message(), HasSubstr(key));
    const auto broken = [&](Parts& p) { p.metadata[key] = "{"; };
    EXPECT_EQ(after(broken).code(),
              key == std::string("format") ? StatusCode::kUnsupported : StatusCode::kCorrupt);
  }
}

TEST_F(TranslationFile, CutAnywhereItIsRefused) {
  std::ifstream file(path_, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  for (size_t length = 0; length < whole.size(); length += 1 + whole.size() / 97)
    EXPECT_FALSE(load(folder_.file("cut.safetensors", whole.substr(0, length))).ok()) << length;
}

TEST_F(TranslationFile, PartsThatDoNotFitAreNotWritten) {
  TranslationConfig config = toy_config();
  TranslationModel<float> model(config.shape);
  config.shape.decoder.vocabulary += 1;
  const std::string path = folder_ / "none.safetensors";
  EXPECT_FALSE(save_translation_model(path, {model, config, toy_pieces(), {}}).ok());
  TranslationModel<float> larger(config.shape);
  EXPECT_THAT(save_translation_model(path, {larger, config, toy_pieces(), {}}).message(),
              HasSubstr("there are 36 pieces, and the model has 37"));
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST_F(TranslationFile, TranslatedWordsAreWhatTheTextIsMadeOf) {
  TranslationModel<float> model(toy_config().shape);
  randomize(model.parameters());
  TranslationOptions options{toy_config().generation, 4};
  options.generation.keep_attention = true;
  const std::vector<std::string> sentences = {toy_sentence(1, false), "", " \t ", toy_sentence(5, false)};
  const auto translations = translate_text(sentences, options, toy_pieces(), model, serial_executor());
  ASSERT_EQ(translations.size(), 4u);
  EXPECT_EQ(translations[1].text + translations[2].text, "");
  EXPECT_EQ(translations[0].source_words, (std::vector<std::string>{"A", "blue", "dog", "is", "here."}));
  for (const size_t i : {0u, 3u}) {
    std::string joined;
    for (const TranslatedWord& word : translations[i].words) {
      joined += (joined.empty() ? "" : " ") + word.text;
      EXPECT_GT(word.probability, 0);
      double sum = 0;
      for (const float w : word.attention) sum += static_cast<double>(w);
      EXPECT_EQ(word.attention.size(), translations[i].source_words.size() + 1);
      EXPECT_NEAR(sum, 1, 1e-5);
    }
    EXPECT_EQ(joined, translations[i].text);
  }
}

TEST_F(TranslationFile, SourceWordsAreTheSentencesOwnWhereNoPieceIsKnown) {
  TranslationModel<float> model(toy_config().shape);
  randomize(model.parameters());
  const std::vector<std::string> sentences = {"日本 A  dog日 ψψ here."};
  const auto translations =
      translate_text(sentences, {toy_config().generation, 1}, toy_pieces(), model, serial_executor());
  EXPECT_EQ(translations[0].source_words, (std::vector<std::string>{"日本", "A", "dog日", "ψψ", "here."}));
}

TEST_F(TranslationFile, ASentenceLongerThanTheModelReadsIsCutAndSaysSo) {
  TranslationModel<float> model(toy_config().shape);
  randomize(model.parameters());
  std::string longer;
  for (int i = 0; i < 40; ++i) longer += toy_sentence(i, false) + " ";
  const std::vector<std::string> sentences = {toy_sentence(0, false), longer};
  const auto translations =
      translate_text(sentences, {toy_config().generation, 4}, toy_pieces(), model, serial_executor());
  EXPECT_FALSE(translations[0].cut);
  EXPECT_TRUE(translations[1].cut);
  EXPECT_LT(translations[1].source_words.size(), 16u);
}

}  // namespace
}  // namespace attend::testing
