#include "captioner/model_file.h"

#include <fmt/format.h>

#include <new>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "model/model_tensors.h"

namespace attend {
namespace {

constexpr std::string_view kFormat = "attend.captioner/1";
constexpr std::string_view kEncoderPrefix = "encoder.";

Status corrupt(const Safetensors& file, const std::string& what) {
  return {StatusCode::kCorrupt, file.name() + ": " + what};
}

/// Tensors to be written, and the memory of those that had to be widened.
struct TensorsToWrite {
  std::vector<std::vector<float>> widened;
  std::vector<TensorToWrite> tensors;

  Status add_encoder(const Safetensors& encoder) {
    for (const auto& [name, tensor] : encoder.tensors()) {
      if (!name.starts_with(kEncoderPrefix)) continue;
      widened.emplace_back(static_cast<size_t>(element_count(tensor)));
      ATTEND_RETURN_IF_ERROR(encoder.read(name, tensor.shape, widened.back()));
      ATTEND_RETURN_IF_ERROR(add_halves(name, tensor.shape, widened.back(), tensors));
    }
    if (!tensors.empty()) return {};
    return {StatusCode::kInvalidArgument, encoder.name() + ": has no tensor that begins with encoder."};
  }
};

Status check_parts(const ModelToWrite& parts) {
  ATTEND_RETURN_IF_ERROR(check(parts.config));
  const ModelConfig of_model = {parts.config.squares, parts.model.shape(), parts.config.generation};
  if (shape_json(of_model) != shape_json(parts.config)) {
    return {StatusCode::kInvalidArgument, fmt::format("the model's shape is {} and its config says {}",
                                                      shape_json(of_model), shape_json(parts.config))};
  }
  const int64_t words = parts.vocabulary.size(), rows = parts.config.shape.text.vocabulary;
  if (words == rows) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("the vocabulary has {} words and the model {}", words, rows)};
}

Result<ModelConfig> read_config(const Safetensors& file) {
  const Result<std::string> shape = file.metadata_value("config");
  if (!shape.ok()) return shape.status();
  const Result<std::string> generation = file.metadata_value("generation");
  if (!generation.ok()) return generation.status();
  return parse_model_config(shape.value(), generation.value(), file.name());
}

Result<Vocabulary> read_vocabulary(const Safetensors& file, int64_t size) {
  const Result<std::string> text = file.metadata_value("vocabulary");
  if (!text.ok()) return text.status();
  Result<Vocabulary> vocabulary = Vocabulary::parse(text.value(), file.name());
  if (!vocabulary.ok() || vocabulary.value().size() == size) return vocabulary;
  return corrupt(
      file, fmt::format("vocabulary has {} words where config says {}", vocabulary.value().size(), size));
}

Result<CnnEncoder> read_encoder(const Safetensors& file, int64_t features) {
  Result<CnnEncoder> encoder = CnnEncoder::load(file, std::string(kEncoderPrefix));
  if (!encoder.ok()) return encoder;
  if (encoder.value().patch_side() != kPatchSide) {
    return corrupt(file, fmt::format("the encoder's patches have {} pixels a side where {} are needed",
                                     encoder.value().patch_side(), kPatchSide));
  }
  if (encoder.value().channels() == features) return encoder;
  return corrupt(file, fmt::format("the encoder has {} channels where config says {} features",
                                   encoder.value().channels(), features));
}

Result<LoadedModel> load_checked(const Safetensors& file) {
  ATTEND_RETURN_IF_ERROR(check_format(file, kFormat));
  Result<ModelConfig> config = read_config(file);
  if (!config.ok()) return config.status();
  const CaptionModelShape& shape = config.value().shape;
  ATTEND_RETURN_IF_ERROR(check_size(file, parameter_count(shape)));
  Result<Vocabulary> vocabulary = read_vocabulary(file, shape.text.vocabulary);
  if (!vocabulary.ok()) return vocabulary.status();
  CaptionModel<float> model(shape);
  const auto of_encoder = [](const std::string& tensor) { return tensor.starts_with(kEncoderPrefix); };
  ATTEND_RETURN_IF_ERROR(read_parameters(file, of_encoder, model.parameters()));
  Result<CnnEncoder> encoder = read_encoder(file, shape.patches.features);
  if (!encoder.ok()) return encoder.status();
  return LoadedModel{config.value(),
                     std::move(vocabulary).value(),
                     std::move(encoder).value(),
                     std::move(model),
                     notes_of(file),
                     numbers_in(file)};
}

}  // namespace

Status save_model(const std::string& path, const ModelToWrite& parts) {
  ATTEND_RETURN_IF_ERROR(check_parts(parts));
  TensorsToWrite all;
  ATTEND_RETURN_IF_ERROR(all.add_encoder(parts.encoder));
  for (Parameter<float>* parameter : parts.model.parameters()) {
    ATTEND_RETURN_IF_ERROR(
        add_halves(parameter->name(), parameter->shape(), parameter->value().values(), all.tensors));
  }
  std::map<std::string, std::string> metadata = {{"format", std::string(kFormat)},
                                                 {"config", shape_json(parts.config)},
                                                 {"generation", generation_json(parts.config)},
                                                 {"vocabulary", parts.vocabulary.serialise()}};
  for (const auto& [key, value] : parts.encoder.metadata()) {
    if (key.starts_with(kEncoderPrefix)) metadata.emplace(key, value);
  }
  add_notes(parts.notes, metadata);
  return write_safetensors(path, all.tensors, metadata);
}

Result<LoadedModel> load_model(const std::string& path) {
  const Result<Safetensors> file = Safetensors::open(path);
  if (!file.ok()) return file.status();
  return load_model(file.value());
}

Result<LoadedModel> load_model(const Safetensors& file) {
  try {
    return load_checked(file);
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, file.name() + ": not enough memory for the model");
  }
}

}  // namespace attend
