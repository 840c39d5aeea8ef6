// The benchmark programs answer their requests. How fast is no matter of tests.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "captioner/model_file.h"
#include "checkpoint/safetensors.h"
#include "cli/temporary_folder.h"
#include "end_to_end/tiny_model.h"

namespace attend {
namespace {

using Json = nlohmann::json;

struct Output {
  int status = -1;  // what pclose() says: 0 when the program ended well
  std::string text;
};

Output run(const std::string& command) {
  std::FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return {};
  Output output;
  std::array<char, 4096> buffer{};
  while (const size_t count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.text.append(buffer.data(), count);
  }
  output.status = pclose(pipe);
  return output;
}

struct Answers {
  int status = -1;
  std::vector<Json> lines;
};

/// Runs `command` with one request a line on its standard input.
Answers ask(const std::string& command, const std::vector<Json>& requests) {
  const TemporaryFolder folder;
  std::string text;
  for (const Json& request : requests) text += request.dump() + "\n";
  const Output output = run(command + " < " + folder.file("requests", text));
  Answers answers{output.status, {}};
  std::istringstream stream(output.text);
  for (std::string line; std::getline(stream, line);) answers.lines.push_back(Json::parse(line));
  return answers;
}

/// A safetensors file of any types; attend itself writes only floats.
std::string safetensors_bytes(const Json& header, const std::string& data) {
  std::string text = header.dump();
  text.append(7 - (text.size() + 7) % 8, ' ');  // so that the data is aligned, as the format recommends
  const uint64_t length = text.size();
  std::string bytes(sizeof length, '\0');
  std::memcpy(bytes.data(), &length, sizeof length);
  return bytes + text + data;
}

template <class T>
void append(std::string& data, Json& header, const std::string& name, const std::string& dtype,
            const std::vector<int64_t>& shape, const std::vector<T>& values) {
  const size_t begin = data.size();
  data.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  header[name] = {{"dtype", dtype}, {"shape", shape}, {"data_offsets", {begin, data.size()}}};
}

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

/// A small attention problem, as attend_attention_bench reads it.
std::string attention_problem(const TemporaryFolder& folder, const std::vector<int64_t>& query_shape,
                              const std::vector<int64_t>& key_shape) {
  const auto waves = [](const std::vector<int64_t>& shape, float step) {
    size_t size = 1;
    for (const int64_t axis : shape) size *= static_cast<size_t>(axis);
    std::vector<float> values(size);
    for (size_t i = 0; i < size; ++i) values[i] = std::sin(step * static_cast<float>(i));
    return values;
  };
  const std::vector<float> query = waves(query_shape, 0.7f), key = waves(key_shape, 1.1f),
                           value = waves(key_shape, 1.3f), gradient = waves(query_shape, 1.7f);
  const TensorToWrite tensors[] = {{"query", query_shape, query},
                                   {"key", key_shape, key},
                                   {"value", key_shape, value},
                                   {"output_gradient", query_shape, gradient}};
  const std::string path = folder / "problem.safetensors";
  const Status written = write_safetensors(path, tensors, {});
  if (!written.ok()) ADD_FAILURE() << written.message();
  return path;
}

std::vector<float> read_back(const Safetensors& file, const std::string& name) {
  const Result<std::vector<int64_t>> shape = file.shape(name);
  if (!shape.ok()) return {};
  size_t size = 1;
  for (const int64_t axis : shape.value()) size *= static_cast<size_t>(axis);
  std::vector<float> values(size);
  EXPECT_TRUE(file.read(name, shape.value(), values).ok());
  return values;
}

TEST(AttentionBench, TheUnfusedPathComputesWhatTheKernelComputes) {
  const TemporaryFolder folder;
  const std::string problem = attention_problem(folder, {2, 3, 5, 8}, {2, 3, 7, 8}),
                    results = folder / "results.safetensors";
  std::vector<Json> requests = {{{"do", "case"}, {"data", problem}, {"causal", "none"}}};
  for (const char* what : {"forward", "backward", "unfused"})
    requests.push_back({{"do", what}, {"calls", 2}});
  requests.push_back({{"do", "write"}, {"path", results}});
  const Answers answers = ask(ATTEND_ATTENTION_BENCH, requests);
  EXPECT_EQ(answers.status, 0);
  ASSERT_EQ(answers.lines.size(), 5u);
  EXPECT_NE(answers.lines[0].value("explain", ""), "");
  for (size_t i = 1; i <= 3; ++i) EXPECT_GT(answers.lines[i].value("seconds", 0.0), 0.0);
  const Result<Safetensors> file = Safetensors::open(results);
  ASSERT_TRUE(file.ok()) << file.status().message();
  const std::vector<float> fused = read_back(file.value(), "output"),
                           unfused = read_back(file.value(), "unfused");
  ASSERT_EQ(fused.size(), 240u);
  ASSERT_EQ(unfused.size(), fused.size());
  for (size_t i = 0; i < fused.size(); ++i) EXPECT_NEAR(fused[i], unfused[i], 1e-6) << i;
  EXPECT_EQ(read_back(file.value(), "key_gradient").size(), 336u);
}

TEST(AttentionBench, WhatItCannotDoItSays) {
  const TemporaryFolder folder;
  const std::string misfit = attention_problem(folder, {1, 3, 5, 8}, {1, 2, 5, 8});
  const auto problem = [&](const char* causal) {
    return Json{{"do", "case"}, {"data", misfit}, {"causal", causal}};
  };
  const Json forward = {{"do", "forward"}, {"calls", 1}};
  const Answers answers = ask(ATTEND_ATTENTION_BENCH,
                              {forward, problem("sideways"), problem("none"), forward, {{"do", "facts"}}});
  EXPECT_NE(answers.status, 0);
  ASSERT_EQ(answers.lines.size(), 5u);
  EXPECT_NE(answers.lines[0].value("error", "").find("needs a \"case\" first"), std::string::npos);
  EXPECT_NE(answers.lines[1].value("error", "").find("causal"), std::string::npos);
  EXPECT_NE(answers.lines[3].value("error", "").find("Hkv"), std::string::npos) << answers.lines[3];
  EXPECT_TRUE(answers.lines[4].contains("isa"));
}

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
