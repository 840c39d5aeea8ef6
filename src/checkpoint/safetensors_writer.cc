#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/atomic_file.h"
#include "base/half.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/safetensors_header.h"

namespace attend {
namespace {

std::string_view spelling(StoredType type) {
  switch (type) {
    case StoredType::kFloat32:
      return "F32";
    case StoredType::kFloat16:
      return "F16";
    case StoredType::kBFloat16:
      return "BF16";
    case StoredType::kFloat64:
      return "F64";
    case StoredType::kBytes:
      return "U8";
  }
  return "";
}

Status check(const TensorToWrite& tensor) {
  int64_t count = 1;
  for (const int64_t extent : tensor.shape) {
    if (extent < 0 || __builtin_mul_overflow(count, extent, &count)) count = -1;
    if (count < 0) break;
  }
  if (count < 0 || static_cast<size_t>(count) != tensor.elements()) {
    return {StatusCode::kInvalidArgument, "tensor " + quote_name(tensor.name) + ": its shape holds " +
                                              std::to_string(count) + " elements, its values " +
                                              std::to_string(tensor.elements())};
  }
  return {};
}

/// The largest elements first, so that each tensor is aligned to its own element; names decide the rest.
std::vector<const TensorToWrite*> file_order(std::span<const TensorToWrite> tensors) {
  std::vector<const TensorToWrite*> order;
  for (const TensorToWrite& tensor : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorToWrite* a, const TensorToWrite* b) {
    const size_t a_size = safetensors_element_size(spelling(a->stored));
    const size_t b_size = safetensors_element_size(spelling(b->stored));
    return a_size != b_size ? a_size > b_size : a->name < b->name;
  });
  return order;
}

/// The JSON header, padded with spaces so that the data begins at a multiple of 8 bytes.
Result<std::string> header_text(const std::vector<const TensorToWrite*>& order,
                                const std::map<std::string, std::string>& metadata) {
  try {
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    if (!metadata.empty()) header["__metadata__"] = metadata;
    uint64_t offset = 0;
    for (const TensorToWrite* tensor : order) {
      if (tensor->name == "__metadata__" || header.contains(tensor->name)) {
        return Status(StatusCode::kInvalidArgument,
                      "tensor " + quote_name(tensor->name) + ": the name is taken");
      }
      const std::string_view dtype = spelling(tensor->stored);
      const uint64_t end = offset + tensor->elements() * safetensors_element_size(dtype);
      header[tensor->name] = {{"dtype", dtype}, {"shape", tensor->shape}, {"data_offsets", {offset, end}}};
      offset = end;
    }
    std::string text = header.dump();
    text.append((8 - text.size() % 8) % 8, ' ');
    return text;
  } catch (const std::exception& error) {  // a name or value that is not UTF-8
    return Status(StatusCode::kInvalidArgument, std::string("the header cannot be written: ") + error.what());
  }
}

/// Writes `values` as elements of type Stored, a block at a time.
template <class Stored, class Narrow>
Status write_as(AtomicFile& file, std::span<const float> values, Narrow narrow) {
  std::array<Stored, 8192> block;
  while (!values.empty()) {
    const std::span<const float> part = values.first(std::min(block.size(), values.size()));
    std::transform(part.begin(), part.end(), block.begin(), narrow);
    ATTEND_RETURN_IF_ERROR(file.write(std::as_bytes(std::span(block).first(part.size()))));
    values = values.subspan(part.size());
  }
  return {};
}

Status write_values(AtomicFile& file, const TensorToWrite& tensor) {
  switch (tensor.stored) {
    case StoredType::kFloat32:
      return file.write(std::as_bytes(tensor.values));
    case StoredType::kFloat16:
      return write_as<uint16_t>(file, tensor.values, float_to_half);
    case StoredType::kBFloat16:
      return write_as<uint16_t>(file, tensor.values, float_to_bfloat16);
    case StoredType::kFloat64:
      return write_as<double>(file, tensor.values, [](float x) { return double{x}; });
    case StoredType::kBytes:
      return file.write(tensor.bytes);
  }
  return {};
}

}  // namespace

Status write_safetensors(const std::string& path, std::span<const TensorToWrite> tensors,
                         const std::map<std::string, std::string>& metadata) {
  for (const TensorToWrite& tensor : tensors) ATTEND_RETURN_IF_ERROR(check(tensor));
  const std::vector<const TensorToWrite*> order = file_order(tensors);
  const Result<std::string> header = header_text(order, metadata);
  if (!header.ok()) return {header.status().code(), path + ": " + header.status().message()};

  Result<AtomicFile> file = AtomicFile::create(path);
  if (!file.ok()) return file.status();
  const uint64_t header_size = header.value().size();
  ATTEND_RETURN_IF_ERROR(file.value().write(std::as_bytes(std::span(&header_size, 1))));
  ATTEND_RETURN_IF_ERROR(file.value().write(header.value()));
  for (const TensorToWrite* tensor : order) ATTEND_RETURN_IF_ERROR(write_values(file.value(), *tensor));
  return file.value().commit();
}

}  // namespace attend
