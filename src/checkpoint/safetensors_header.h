// The JSON header of a safetensors file, as a list of entries that has been checked for form but not yet
// against the bytes that it describes.
#ifndef ATTEND_CHECKPOINT_SAFETENSORS_HEADER_H_
#define ATTEND_CHECKPOINT_SAFETENSORS_HEADER_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "attend/status.h"

namespace attend {

/// The format's own limit on the length of the JSON header.
constexpr uint64_t kLargestSafetensorsHeader = 100'000'000;

struct SafetensorsEntry {
  std::string name;
  std::string dtype;
  std::vector<int64_t> shape;
  uint64_t begin = 0;  // bytes, counted from the end of the header
  uint64_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  // in the order of the file; names are unique
  std::map<std::string, std::string> metadata;
};

/// Parses the header. `file` stands in messages. Errors: kCorrupt for anything but an object of tensor
/// descriptions with exactly the fields dtype, shape and data_offsets (non-negative integers) and one
/// optional `__metadata__` of strings; a name or field given twice; bytes that are not UTF-8.
Result<SafetensorsHeader> parse_safetensors_header(std::string_view json, const std::string& file);

/// Bytes of one element of `dtype` as the format spells it; 0 for a type that the format does not know.
size_t safetensors_element_size(std::string_view dtype);

/// A name out of a file, made fit for a one-line message: quoted, control characters replaced, cut at 100
/// bytes.
std::string quote_name(std::string_view name);

}  // namespace attend

#endif  // ATTEND_CHECKPOINT_SAFETENSORS_HEADER_H_
