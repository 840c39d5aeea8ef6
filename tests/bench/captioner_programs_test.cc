// The programs of the captioning and training benchmarks answer their requests. How fast is no matter of
// tests.
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "bench/programs.h"
#include "captioner/model_file.h"
#include "checkpoint/safetensors.h"
#include "cli/temporary_folder.h"
#include "end_to_end/tiny_model.h"

namespace attend {
namespace {

/// A tiny model's parameters as attend_train_bench reads them, and one batch of two photos for it.
class TrainBenchFiles {
 public:
  TrainBenchFiles() {
    const Result<LoadedModel> loaded = load_model(tiny_model());
    ModelConfig config = loaded.value().config;
    CaptionModel<float> model(config.shape);
    initialize(model.parameters(), 5);
    std::vector<TensorToWrite> tensors;
    for (Parameter<float>* p : model.parameters())
      tensors.push_back({p->name(), p->shape(), p->value().values()});
    const Status written = write_safetensors(
        weights, tensors,
        {{"config", shape_json(config)},
         {"generation", generation_json(config)},
         {"dropout", Json{{"blocks", 0.1}, {"embeddings", 0.1}, {"features", 0.0}}.dump()}});
    if (!written.ok()) ADD_FAILURE() << written.message();
    write_batch(config.shape);
  }

  const TemporaryFolder folder;
  const std::string weights = folder / "weights.safetensors";
  std::string batches;

  std::string command() const { return std::string(ATTEND_TRAIN_BENCH) + " " + weights + " " + batches; }

 private:
  void write_batch(const CaptionModelShape& shape) {
    constexpr int64_t kPhotos = 2;
    constexpr uint16_t kOne = 0x3c00;  // 1 as a half
    const int64_t patches = kTinyGrid * kTinyGrid, width = shape.patches.features;
    std::vector<uint16_t> features(static_cast<size_t>(kPhotos * patches * width), 0);
    for (size_t i = 0; i < features.size(); i += 3) features[i] = kOne;
    Json header;
    std::string data;
    append<uint16_t>(data, header, "features.0", "F16", {kPhotos, patches, width}, features);
    append<int32_t>(data, header, "lengths.0", "I32", {kPhotos, 2}, {3, 1, 2, 4});
    append<int32_t>(data, header, "words.0", "I32", {10}, {3, 4, 5, 6, 3, 7, 8, 9, 10, 4});
    batches = folder.file("batches.safetensors", safetensors_bytes(header, data));
  }
};

TEST(CaptionBench, EveryStageIsTimedAndTheStagesSayTheSameSentence) {
  std::vector<Json> requests;
  for (const char* stage : {"load", "encode", "decode", "both", "caption"}) {
    requests.push_back({{"do", stage}, {"path", ATTEND_PHOTO}});
  }
  const Answers answers = ask(std::string(ATTEND_CAPTION_BENCH) + " " + tiny_model(), requests);
  EXPECT_EQ(answers.status, 0);
  ASSERT_EQ(answers.lines.size(), requests.size());
  for (const Json& answer : answers.lines) EXPECT_GT(answer.value("seconds", 0.0), 0.0) << answer;
  EXPECT_FALSE(answers.lines[2].at("words").empty());
  EXPECT_EQ(answers.lines[2].at("words"), answers.lines[3].at("words"));
  EXPECT_EQ(answers.lines[2].at("words"), answers.lines[4].at("words"));
}

TEST(CaptionBench, WhatItCannotDoItSays) {
  const std::string program = std::string(ATTEND_CAPTION_BENCH) + " " + tiny_model();
  const Answers answers = ask(program, {{{"do", "caption"}, {"path", "no/such/photo.jpg"}},
                                        {{"do", "sing"}, {"path", ATTEND_PHOTO}},
                                        {{"path", ATTEND_PHOTO}},
                                        {{"do", "facts"}}});
  EXPECT_NE(answers.status, 0);
  ASSERT_EQ(answers.lines.size(), 4u);
  EXPECT_NE(answers.lines[0].value("error", "").find("no/such/photo.jpg"), std::string::npos);
  EXPECT_NE(answers.lines[1].value("error", "").find("sing"), std::string::npos);
  EXPECT_TRUE(answers.lines[2].contains("error"));
  EXPECT_TRUE(answers.lines[3].contains("isa"));
}

TEST(TrainBench, TheLossFallsAndARestartRepeatsIt) {
  const TrainBenchFiles files;
  const Json restart = {{"do", "restart"}}, learn = {{"do", "learn"}, {"steps", 20}, {"dropout", false}};
  const Answers answers = ask(files.command(), {restart, learn, restart, learn});
  EXPECT_EQ(answers.status, 0);
  ASSERT_EQ(answers.lines.size(), 4u);
  const std::vector<double> losses = answers.lines[1].at("losses");
  ASSERT_EQ(losses.size(), 20u);
  EXPECT_LT(losses.back(), losses.front());
  EXPECT_GT(answers.lines[1].value("seconds", 0.0), 0.0);
  EXPECT_EQ(answers.lines[3].at("losses"), answers.lines[1].at("losses"));
}

TEST(TrainBench, DropoutChangesTheLoss) {
  const TrainBenchFiles files;
  const auto learn = [](bool dropout) { return Json{{"do", "learn"}, {"steps", 1}, {"dropout", dropout}}; };
  const Answers answers =
      ask(files.command(), {{{"do", "restart"}}, learn(false), {{"do", "restart"}}, learn(true)});
  ASSERT_EQ(answers.lines.size(), 4u);
  const double without = answers.lines[1].at("losses")[0], with = answers.lines[3].at("losses")[0];
  EXPECT_TRUE(std::isfinite(with));
  EXPECT_NE(with, without);
}

TEST(TrainBench, BatchesThatDoNotFitTheModelAreRefused) {
  const TrainBenchFiles files;
  Json header;
  std::string data;
  append<uint16_t>(data, header, "features.0", "F16", {1, 4, 8}, std::vector<uint16_t>(32, 0));
  append<int32_t>(data, header, "lengths.0", "I32", {1, 1}, {1});
  append<int32_t>(data, header, "words.0", "I32", {1}, {3});
  const std::string misfit = files.folder.file("misfit.safetensors", safetensors_bytes(header, data));
  const Output output = run(std::string(ATTEND_TRAIN_BENCH) + " " + files.weights + " " + misfit + " 2>&1");
  EXPECT_NE(output.status, 0);
  EXPECT_NE(output.text.find("misfit.safetensors: features.0 do not fit the model"), std::string::npos)
      << output.text;
}

}  // namespace
}  // namespace attend
