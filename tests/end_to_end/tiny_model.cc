#include "end_to_end/tiny_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "base/random.h"
#include "captioner/model_file.h"
#include "checkpoint/safetensors.h"
#include "cli/temporary_folder.h"

namespace attend {
namespace {

constexpr int64_t kChannels = 8, kFeatures = 16;

/// Tensors of random numbers, as large as keeps a layer's output about as large as its input.
class RandomTensors {
 public:
  void convolution(const std::string& name, int64_t out, int64_t in, int64_t kernel) {
    add(name + ".weight", {out, in, kernel, kernel},
        std::sqrt(6.0 / static_cast<double>(in * kernel * kernel)));
    add(name + ".bias", {out}, 0.5);
  }
  std::vector<TensorToWrite> all() const {
    std::vector<TensorToWrite> tensors;
    for (const auto& [name, tensor] : tensors_)
      tensors.push_back({name, tensor.first, tensor.second, StoredType::kFloat16});
    return tensors;
  }

 private:
  void add(const std::string& name, std::vector<int64_t> shape, double spread) {
    int64_t count = 1;
    for (const int64_t axis : shape) count *= axis;
    const RandomKey key = RandomKey(17).child(tensors_.size());
    std::vector<float> values;
    for (int64_t i = 0; i < count; ++i) {
      values.push_back(static_cast<float>(spread * (2 * key.uniform(static_cast<uint64_t>(i)) - 1)));
    }
    tensors_[name] = {std::move(shape), std::move(values)};
  }
  std::map<std::string, std::pair<std::vector<int64_t>, std::vector<float>>> tensors_;
};

/// The smallest EfficientNet-Lite whose patches have 32 pixels a side.
Status write_encoder(const std::string& path) {
  RandomTensors tensors;
  tensors.convolution("encoder.stem", kChannels, 3, 3);
  for (int block = 0; block < 4; ++block) {
    const std::string name = "encoder.blocks." + std::to_string(block);
    tensors.convolution(name + ".depthwise", kChannels, 1, 3);
    tensors.convolution(name + ".project", kChannels, kChannels, 1);
  }
  tensors.convolution("encoder.head", kFeatures, kChannels, 1);
  return write_safetensors(path, tensors.all(),
                           {{"encoder.architecture", "efficientnet-lite"},
                            {"encoder.name", "tiny"},
                            {"encoder.strides", "2 2 2 2"}});
}

ModelConfig tiny_config(const Vocabulary& vocabulary) {
  ModelConfig config;
  config.squares = {.squash_side = 64, .input_side = 32 * kTinyGrid};
  const BlockShape block = {.width = 16, .heads = 2, .hidden = 32};
  config.shape.patches = {.features = kFeatures, .grid = kTinyGrid, .layers = 1, .block = block};
  config.shape.text = {.vocabulary = vocabulary.size(), .max_length = 16, .layers = 1, .block = block};
  config.generation.max_length = 8;
  return config;
}

Status write_model(const TemporaryFolder& folder) {
  const std::vector<std::vector<std::string>> captions = {{"a", "dog", "runs", "on", "the", "beach"},
                                                          {"two", "people", "sit", "by", "a", "café"},
                                                          {"it", "'s", "red"}};
  const Vocabulary vocabulary = Vocabulary::build(captions, 1);
  const ModelConfig config = tiny_config(vocabulary);
  CaptionModel<float> model(config.shape);
  const RandomKey key(23);
  uint64_t index = 0;
  for (Parameter<float>* parameter : model.parameters()) {
    for (float& value : parameter->value().values()) value = static_cast<float>(0.5 * key.normal(index++));
  }
  ATTEND_RETURN_IF_ERROR(write_encoder(folder / "encoder.safetensors"));
  const Result<Safetensors> encoder = Safetensors::open(folder / "encoder.safetensors");
  if (!encoder.ok()) return encoder.status();
  const ModelNotes notes = {{"training data", "none: random numbers"}, {"licence", "Apache-2.0"}};
  return save_model(folder / "tiny.safetensors", {model, config, vocabulary, encoder.value(), notes});
}

}  // namespace

const std::string& tiny_model() {
  static const TemporaryFolder folder;
  static const std::string path = [] {
    const Status status = write_model(folder);
    if (!status.ok()) ADD_FAILURE() << status.message();
    return folder / "tiny.safetensors";
  }();
  return path;
}

}  // namespace attend
