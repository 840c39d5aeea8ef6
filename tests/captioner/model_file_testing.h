// A whole model file in miniature: the random encoder of the vision goldens, a tiny caption model and eleven
// words.
#ifndef ATTEND_TESTS_CAPTIONER_MODEL_FILE_TESTING_H_
#define ATTEND_TESTS_CAPTIONER_MODEL_FILE_TESTING_H_

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "captioner/model_file.h"
#include "captioner/model_testing.h"

namespace attend::testing {

/// A folder that is gone after the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = ::testing::TempDir() + "attend_captioner_XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::string path_;
};

inline Safetensors golden_encoder() {
  Result<Safetensors> file =
      Safetensors::open(std::string(ATTEND_GOLDEN_DIR) + "/vision_encoder.safetensors");
  EXPECT_TRUE(file.ok()) << file.status().message();
  return std::move(file).value();
}

inline ModelConfig tiny_config() {
  ModelConfig config = {
      .squares = {.squash_side = 40, .input_side = 64}, .shape = tiny_shape(), .generation = {}};
  config.shape.patches.features = 128;  // the encoder's channels
  config.generation.max_length = 6;
  config.generation.min_length = 2;
  return config;
}

inline Vocabulary tiny_vocabulary() {
  Result<Vocabulary> words =
      Vocabulary::parse("<start>\n<end>\n<unknown>\na\nman\n's\ndog\nruns\ndoes\nn't\nsleep", "words");
  EXPECT_TRUE(words.ok()) << words.status().message();
  return std::move(words).value();
}

inline const ModelNotes kTinyNotes = {{"licence", "none"}, {"scores", "CIDEr-D 0.00"}};

inline Status save_tiny_model(const std::string& path, double deviation = 0.5) {
  const ModelConfig config = tiny_config();
  CaptionModel<float> model(config.shape);
  randomize(model.parameters(), deviation);
  return save_model(path, {model, config, tiny_vocabulary(), golden_encoder(), kTinyNotes});
}

inline std::string file_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline Result<LoadedModel> load_bytes(const std::string& bytes,
                                      const std::string& name = "hostile.safetensors") {
  const Result<Safetensors> file =
      Safetensors::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), name);
  if (!file.ok()) return file.status();
  return load_model(file.value());
}

/// The parts of a model file, to be damaged and written again.
struct ModelParts {
  struct Tensor {
    std::vector<int64_t> shape;
    std::vector<float> values;
  };
  std::map<std::string, Tensor> tensors;
  std::map<std::string, std::string> metadata;

  explicit ModelParts(const Safetensors& file) : metadata(file.metadata()) {
    for (const auto& [name, tensor] : file.tensors()) {
      Tensor copy = {tensor.shape, std::vector<float>(tensor.bytes.size() / 2)};
      EXPECT_TRUE(file.read(name, copy.shape, copy.values).ok());
      tensors.emplace(name, std::move(copy));
    }
  }
  void write(const std::string& path) const {
    std::vector<TensorToWrite> all;
    for (const auto& [name, tensor] : tensors)
      all.push_back({name, tensor.shape, tensor.values, StoredType::kFloat32});
    const Status status = write_safetensors(path, all, metadata);
    ASSERT_TRUE(status.ok()) << status.message();
  }
};

}  // namespace attend::testing

#endif  // ATTEND_TESTS_CAPTIONER_MODEL_FILE_TESTING_H_
