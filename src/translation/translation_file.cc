#include "translation/translation_file.h"

#include <fmt/format.h>

#include <new>
#include <string_view>
#include <utility>
#include <vector>

namespace attend {
namespace {

constexpr std::string_view kFormat = "attend.translator/1", kAnyFormat = "attend.translator/";
constexpr const char* kPieces = "pieces";

Status corrupt(const Safetensors& file, const std::string& what) {
  return {StatusCode::kCorrupt, file.name() + ": " + what};
}

Status check_parts(const TranslationModelToWrite& parts) {
  ATTEND_RETURN_IF_ERROR(check(parts.config));
  TranslationConfig of_model = parts.config;
  of_model.shape = parts.model.shape();
  if (shape_json(of_model) != shape_json(parts.config)) {
    return {StatusCode::kInvalidArgument, fmt::format("the model's shape is {} and its config says {}",
                                                      shape_json(of_model), shape_json(parts.config))};
  }
  const int64_t pieces = parts.pieces.size(), rows = parts.config.shape.decoder.vocabulary;
  if (pieces == rows) return {};
  return {StatusCode::kInvalidArgument,
          fmt::format("there are {} pieces, and the model has {}", pieces, rows)};
}

Result<TranslationConfig> read_config(const Safetensors& file) {
  const Result<std::string> shape = file.metadata_value("config");
  if (!shape.ok()) return shape.status();
  const Result<std::string> generation = file.metadata_value("generation");
  if (!generation.ok()) return generation.status();
  return parse_translation_config(shape.value(), generation.value(), file.name());
}

Result<SentencePieces> read_pieces(const Safetensors& file, int64_t size) {
  const auto found = file.tensors().find(kPieces);
  if (found == file.tensors().end()) return corrupt(file, "lacks the tensor pieces");
  const CheckpointTensor& tensor = found->second;
  if (tensor.dtype != "U8")
    return corrupt(file, "tensor pieces has type " + tensor.dtype + " where U8 is due");
  Result<SentencePieces> pieces = SentencePieces::parse(tensor.bytes, file.name() + ": tensor pieces");
  if (!pieces.ok() || pieces.value().size() == size) return pieces;
  return corrupt(file, fmt::format("there are {} pieces where config says {}", pieces.value().size(), size));
}

Result<LoadedTranslationModel> load_checked(const Safetensors& file) {
  ATTEND_RETURN_IF_ERROR(check_format(file, kFormat));
  Result<TranslationConfig> config = read_config(file);
  if (!config.ok()) return config.status();
  const TranslationModelShape& shape = config.value().shape;
  ATTEND_RETURN_IF_ERROR(check_size(file, parameter_count(shape)));
  Result<SentencePieces> pieces = read_pieces(file, shape.decoder.vocabulary);
  if (!pieces.ok()) return pieces.status();
  TranslationModel<float> model(shape);
  const auto is_pieces = [](const std::string& tensor) { return tensor == kPieces; };
  ATTEND_RETURN_IF_ERROR(read_parameters(file, is_pieces, model.parameters()));
  return LoadedTranslationModel{config.value(), std::move(pieces).value(), std::move(model), notes_of(file)};
}

}  // namespace

bool is_translation_model(const Safetensors& file) {
  const auto format = file.metadata().find("format");
  return format != file.metadata().end() && format->second.starts_with(kAnyFormat);
}

Status save_translation_model(const std::string& path, const TranslationModelToWrite& parts) {
  ATTEND_RETURN_IF_ERROR(check_parts(parts));
  std::vector<TensorToWrite> tensors;
  for (Parameter<float>* p : parts.model.parameters())
    ATTEND_RETURN_IF_ERROR(add_halves(p->name(), p->shape(), p->value().values(), tensors));
  const std::string& pieces = parts.pieces.serialised();
  tensors.push_back({.name = kPieces,
                     .shape = {std::ssize(pieces)},
                     .values = {},
                     .stored = StoredType::kBytes,
                     .bytes = std::as_bytes(std::span(pieces.data(), pieces.size()))});
  std::map<std::string, std::string> metadata = {{"format", std::string(kFormat)},
                                                 {"config", shape_json(parts.config)},
                                                 {"generation", generation_json(parts.config)}};
  add_notes(parts.notes, metadata);
  return write_safetensors(path, tensors, metadata);
}

Result<LoadedTranslationModel> load_translation_model(const Safetensors& file) {
  try {
    return load_checked(file);
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, file.name() + ": not enough memory for the model");
  }
}

}  // namespace attend
