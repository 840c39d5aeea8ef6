#include "training_batches.h"

#include <algorithm>
#include <numeric>

namespace attend::bench {
namespace {

Status corrupt(const Safetensors& file, const std::string& what) {
  return {StatusCode::kCorrupt, file.name() + ": " + what};
}

/// The tensor `name` as numbers of type T, in place.
template <class T>
Result<std::span<const T>> numbers(const Safetensors& file, const std::string& name, const std::string& dtype,
                                   size_t axes) {
  const auto found = file.tensors().find(name);
  if (found == file.tensors().end()) return corrupt(file, "no tensor " + name);
  const CheckpointTensor& tensor = found->second;
  if (tensor.dtype != dtype || tensor.shape.size() != axes) {
    return corrupt(file, name + " must be " + dtype + " with " + std::to_string(axes) + " axes");
  }
  if (reinterpret_cast<uintptr_t>(tensor.bytes.data()) % alignof(T) != 0) {
    return corrupt(file, name + " is not aligned to its type");
  }
  return std::span<const T>(reinterpret_cast<const T*>(tensor.bytes.data()), tensor.bytes.size() / sizeof(T));
}

Result<TrainingBatch> read_batch(const Safetensors& file, const std::string& number,
                                 const CaptionModelShape& model) {
  const auto features = numbers<uint16_t>(file, "features." + number, "F16", 3);
  if (!features.ok()) return features.status();
  const auto lengths = numbers<int32_t>(file, "lengths." + number, "I32", 2);
  if (!lengths.ok()) return lengths.status();
  const auto words = numbers<int32_t>(file, "words." + number, "I32", 1);
  if (!words.ok()) return words.status();

  const std::vector<int64_t>& shape = file.tensors().at("features." + number).shape;
  const std::vector<int64_t>& captions = file.tensors().at("lengths." + number).shape;
  if (shape[1] != int64_t{model.patches.grid} * model.patches.grid || shape[2] != model.patches.features) {
    return corrupt(file, "features." + number + " do not fit the model");
  }
  if (captions[0] != shape[0])
    return corrupt(file, "lengths." + number + " and features disagree on the photos");
  const auto negative = [](int32_t length) { return length < 0; };
  if (std::ranges::any_of(lengths.value(), negative) ||
      std::accumulate(lengths.value().begin(), lengths.value().end(), size_t{0}) != words.value().size()) {
    return corrupt(file, "lengths." + number + " do not add up to the words");
  }
  if (std::ranges::any_of(words.value(),
                          [&](int32_t word) { return word < 0 || word >= model.text.vocabulary; })) {
    return corrupt(file, "words." + number + " has a word outside the vocabulary");
  }
  return TrainingBatch{shape[0],    shape[1],        shape[2],     features.value(),
                       captions[1], lengths.value(), words.value()};
}

}  // namespace

Result<std::vector<TrainingBatch>> training_batches(const Safetensors& file, const CaptionModelShape& model) {
  std::vector<TrainingBatch> batches;
  do {
    const Result<TrainingBatch> batch = read_batch(file, std::to_string(batches.size()), model);
    if (!batch.ok()) return batch.status();
    batches.push_back(batch.value());
  } while (file.contains("features." + std::to_string(batches.size())));
  return batches;
}

}  // namespace attend::bench
