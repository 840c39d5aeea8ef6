#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "base/half.h"
#include "checkpoint/safetensors_header.h"

namespace attend {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors are read in place");

Status corrupt(const std::string& file, const std::string& what) {
  return {StatusCode::kCorrupt, file + ": " + what};
}

std::string shape_text(std::span<const int64_t> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i) text += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

/// Bytes of a dense tensor, or nothing when they do not fit 63 bits.
std::optional<uint64_t> byte_count(const std::vector<int64_t>& shape, size_t element_size) {
  int64_t count = static_cast<int64_t>(element_size);
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  for (const int64_t extent : shape) {
    if (__builtin_mul_overflow(count, extent, &count)) return std::nullopt;
  }
  return static_cast<uint64_t>(count);
}

/// One entry on its own: a known type, and a range inside the data of just the size that its shape needs.
Status check_entry(const SafetensorsEntry& entry, uint64_t data_size, const std::string& file) {
  const std::string tensor = "tensor " + quote_name(entry.name);
  const size_t element_size = safetensors_element_size(entry.dtype);
  if (element_size == 0) return corrupt(file, tensor + " has the unknown type " + quote_name(entry.dtype));
  if (entry.begin > entry.end || entry.end > data_size) {
    return corrupt(file, tensor + " lies at bytes " + std::to_string(entry.begin) + " to " +
                             std::to_string(entry.end) + " of " + std::to_string(data_size) +
                             " bytes of data");
  }
  const std::optional<uint64_t> needed = byte_count(entry.shape, element_size);
  if (!needed || *needed != entry.end - entry.begin) {
    return corrupt(file, tensor + " of shape " + shape_text(entry.shape) + " and type " + entry.dtype +
                             " needs " + (needed ? std::to_string(*needed) : "more than 2^63") +
                             " bytes but has " + std::to_string(entry.end - entry.begin));
  }
  return {};
}

/// All entries together: laid end to end they are the whole of the data.
Status check_cover(std::vector<SafetensorsEntry>& entries, uint64_t data_size, const std::string& file) {
  std::sort(entries.begin(), entries.end(), [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t covered = 0;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.begin != covered) {
      return corrupt(file, "tensor " + quote_name(entry.name) + " begins at byte " +
                               std::to_string(entry.begin) + " of the data where " + std::to_string(covered) +
                               " is due");
    }
    covered = entry.end;
  }
  if (covered != data_size) {
    return corrupt(file, "the tensors end at byte " + std::to_string(covered) + " of " +
                             std::to_string(data_size) + " bytes of data");
  }
  return {};
}

/// Copies little-endian elements of type Stored out of possibly unaligned bytes, a block at a time.
template <class Stored, class Widen>
void widen_into(std::span<const std::byte> bytes, std::span<float> destination, Widen widen) {
  std::array<Stored, 1024> block;
  for (size_t done = 0; done < destination.size(); done += block.size()) {
    const size_t count = std::min(block.size(), destination.size() - done);
    std::memcpy(block.data(), bytes.data() + done * sizeof(Stored), count * sizeof(Stored));
    widen(std::span<const Stored>(block.data(), count), destination.subspan(done, count));
  }
}

}  // namespace

Result<Safetensors> Safetensors::open(const std::string& path) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  Result<Safetensors> parsed = parse(file.value().bytes(), path);
  if (parsed.ok()) parsed.value().file_ = std::move(file).value();  // the mapping's address does not change
  return parsed;
}

Result<Safetensors> Safetensors::parse(std::span<const std::byte> bytes, std::string name) {
  uint64_t header_size = 0;
  if (bytes.size() < sizeof(header_size)) {
    return corrupt(name,
                   "only " + std::to_string(bytes.size()) + " bytes long, too short for a safetensors file");
  }
  std::memcpy(&header_size, bytes.data(), sizeof(header_size));
  bytes = bytes.subspan(sizeof(header_size));
  if (header_size > bytes.size() || header_size > kLargestSafetensorsHeader) {
    return corrupt(name, "not a safetensors file, or truncated: a header of " + std::to_string(header_size) +
                             " bytes in a file with " + std::to_string(bytes.size()) + " left");
  }
  const std::string_view json(reinterpret_cast<const char*>(bytes.data()), header_size);
  const std::span<const std::byte> data = bytes.subspan(header_size);

  Result<SafetensorsHeader> header = parse_safetensors_header(json, name);
  if (!header.ok()) return header.status();
  std::vector<SafetensorsEntry>& entries = header.value().entries;
  for (const SafetensorsEntry& entry : entries) ATTEND_RETURN_IF_ERROR(check_entry(entry, data.size(), name));
  ATTEND_RETURN_IF_ERROR(check_cover(entries, data.size(), name));

  Safetensors file;
  file.name_ = std::move(name);
  file.metadata_ = std::move(header.value().metadata);
  for (SafetensorsEntry& entry : entries) {
    file.tensors_[std::move(entry.name)] = {std::move(entry.dtype), std::move(entry.shape),
                                            data.subspan(entry.begin, entry.end - entry.begin)};
  }
  return file;
}

Result<std::string> Safetensors::metadata_value(const std::string& key) const {
  const auto found = metadata_.find(key);
  if (found == metadata_.end()) return corrupt(name_, "metadata lacks " + quote_name(key));
  return found->second;
}

Result<std::vector<int64_t>> Safetensors::shape(const std::string& tensor) const {
  const auto found = tensors_.find(tensor);
  if (found == tensors_.end())
    return Status(StatusCode::kNotFound, name_ + ": no tensor " + quote_name(tensor));
  return found->second.shape;
}

Status Safetensors::read(const std::string& tensor, std::span<const int64_t> shape,
                         std::span<float> destination) const {
  const auto found = tensors_.find(tensor);
  if (found == tensors_.end()) return {StatusCode::kNotFound, name_ + ": no tensor " + quote_name(tensor)};
  const CheckpointTensor& source = found->second;
  if (!std::equal(shape.begin(), shape.end(), source.shape.begin(), source.shape.end())) {
    return corrupt(name_, "tensor " + quote_name(tensor) + " has shape " + shape_text(source.shape) +
                              " where " + shape_text(shape) + " is due");
  }
  const std::span<const std::byte> bytes = source.bytes;
  const size_t element_size = safetensors_element_size(source.dtype);
  if (destination.size() != bytes.size() / element_size) {
    return {StatusCode::kInvalidArgument, name_ + ": tensor " + quote_name(tensor) + " has " +
                                              std::to_string(bytes.size() / element_size) +
                                              " elements, destination " + std::to_string(destination.size())};
  }
  if (destination.empty()) return {};
  if (source.dtype == "F32") {
    std::memcpy(destination.data(), bytes.data(), bytes.size());
  } else if (source.dtype == "F16") {
    widen_into<uint16_t>(bytes, destination, halves_to_floats);
  } else if (source.dtype == "BF16") {
    widen_into<uint16_t>(bytes, destination, [](std::span<const uint16_t> in, std::span<float> out) {
      std::transform(in.begin(), in.end(), out.begin(), bfloat16_to_float);
    });
  } else if (source.dtype == "F64") {
    widen_into<double>(bytes, destination, [](std::span<const double> in, std::span<float> out) {
      std::transform(in.begin(), in.end(), out.begin(), [](double x) { return static_cast<float>(x); });
    });
  } else {
    return corrupt(
        name_, "tensor " + quote_name(tensor) + " has type " + source.dtype + " where a float type is due");
  }
  return {};
}

}  // namespace attend
