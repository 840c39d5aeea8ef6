#include "model/model_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "checkpoint/safetensors_header.h"

namespace attend {
namespace {

constexpr std::string_view kNotePrefix = "note.";
constexpr float kLargestHalf = 65504;

Status corrupt(const Safetensors& file, const std::string& what) {
  return {StatusCode::kCorrupt, file.name() + ": " + what};
}

}  // namespace

void add_notes(const ModelNotes& notes, std::map<std::string, std::string>& metadata) {
  for (const auto& [key, value] : notes) metadata.emplace(std::string(kNotePrefix) + key, value);
}

ModelNotes notes_of(const Safetensors& file) {
  ModelNotes notes;
  for (const auto& [key, value] : file.metadata()) {
    if (key.starts_with(kNotePrefix)) notes.emplace(key.substr(kNotePrefix.size()), value);
  }
  return notes;
}

Status add_halves(const std::string& name, const std::vector<int64_t>& shape, std::span<const float> values,
                  std::vector<TensorToWrite>& tensors) {
  const auto fits = [](float x) { return std::abs(x) <= kLargestHalf; };  // and is no NaN
  const auto wrong = std::ranges::find_if_not(values, fits);
  if (wrong != values.end()) {
    return {StatusCode::kInvalidArgument,
            fmt::format("tensor {} holds {}, which no 16-bit float does", name, *wrong)};
  }
  tensors.push_back({name, shape, values, StoredType::kFloat16});
  return {};
}

int64_t element_count(const CheckpointTensor& tensor) {
  return static_cast<int64_t>(tensor.bytes.size() / safetensors_element_size(tensor.dtype));
}

int64_t numbers_in(const Safetensors& file) {
  int64_t count = 0;
  for (const auto& [name, tensor] : file.tensors()) count += element_count(tensor);
  return count;
}

Status check_format(const Safetensors& file, std::string_view known) {
  const Result<std::string> format = file.metadata_value("format");
  if (!format.ok()) return format.status();
  if (format.value() == known) return {};
  return {StatusCode::kUnsupported,
          fmt::format("{}: format is \"{:.40}\", and {} is to be read", file.name(), format.value(), known)};
}

Status check_size(const Safetensors& file, int64_t parameters) {
  const int64_t held = numbers_in(file);
  if (parameters <= 2 * held + 4096) return {};
  return corrupt(
      file, fmt::format("config asks for {} parameters, and the file holds {} numbers", parameters, held));
}

Status read_parameters(const Safetensors& file, const std::function<bool(const std::string&)>& other,
                       const ParameterList<float>& parameters) {
  std::unordered_set<std::string> known;
  for (Parameter<float>* parameter : parameters) {
    known.insert(parameter->name());
    if (!file.contains(parameter->name())) return corrupt(file, "lacks the tensor " + parameter->name());
    const std::span<float> values = parameter->value().values();
    ATTEND_RETURN_IF_ERROR(file.read(parameter->name(), parameter->shape(), values));
    if (!std::ranges::all_of(values, [](float x) { return std::isfinite(x); })) {
      return corrupt(file, "tensor " + parameter->name() + " holds a number that is not finite");
    }
  }
  for (const auto& [name, tensor] : file.tensors()) {
    if (!other(name) && !known.contains(name))
      return corrupt(file, "tensor " + name + " is no part of the model");
  }
  return {};
}

}  // namespace attend
