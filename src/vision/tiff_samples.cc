#include "vision/tiff_samples.h"

#include <algorithm>
#include <cstdint>

namespace attend {
namespace {

constexpr uint64_t kExtraSamplesTag = 338, kShort = 3;
constexpr uint64_t kPremultiplied = 1, kTransparency = 2;  // of the values that an extra sample may have
constexpr uint64_t kMostExtraSamples = 65535;

/// Numbers at offsets, in the file's byte order; 0 past its end.
class TiffNumbers {
 public:
  explicit TiffNumbers(std::span<const std::byte> file)
      : file_(file), little_(!file.empty() && file[0] == std::byte{'I'}), big_tiff_(at(2, 2) == 43) {}

  bool is_tiff() const {
    const bool marked = file_.size() >= 4 && file_[0] == file_[1] && (little_ || file_[0] == std::byte{'M'});
    return marked && (big_tiff_ || at(2, 2) == 42);
  }
  /// How many bytes an offset has.
  uint64_t offset_bytes() const { return big_tiff_ ? 8 : 4; }
  uint64_t at(uint64_t offset, uint64_t bytes) const {
    if (offset > file_.size() || bytes > file_.size() - offset) return 0;
    uint64_t number = 0;
    for (uint64_t i = 0; i < bytes; ++i) {
      const std::byte byte = file_[offset + (little_ ? bytes - 1 - i : i)];
      number = number << 8 | std::to_integer<uint64_t>(byte);
    }
    return number;
  }

 private:
  std::span<const std::byte> file_;
  bool little_, big_tiff_;
};

/// Where the first directory has the entry of ExtraSamples; absent without one.
std::optional<uint64_t> extra_samples_entry(const TiffNumbers& file) {
  const uint64_t word = file.offset_bytes();
  const uint64_t directory = file.at(word, word), count_bytes = word == 8 ? 8 : 2;
  const uint64_t entries = std::min<uint64_t>(file.at(directory, count_bytes), 65535);
  for (uint64_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + count_bytes + i * (4 + 2 * word);
    if (file.at(entry, 2) == kExtraSamplesTag) return entry;
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> transparent_extra_sample(std::span<const std::byte> bytes) {
  const TiffNumbers file(bytes);
  const std::optional<uint64_t> entry = file.is_tiff() ? extra_samples_entry(file) : std::nullopt;
  if (!entry || file.at(*entry + 2, 2) != kShort) return 0;
  const uint64_t word = file.offset_bytes();
  const uint64_t count = std::min(file.at(*entry + 4, word), kMostExtraSamples);
  const uint64_t in_place = *entry + 4 + word;
  const uint64_t values = 2 * count <= word ? in_place : file.at(in_place, word);
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t meaning = file.at(values + 2 * i, 2);
    if (meaning == kPremultiplied || meaning == kTransparency) return static_cast<int>(i);
  }
  return count == 0 ? std::optional<int>(0) : std::nullopt;
}

}  // namespace attend
