// How long the name of a file may be.
#ifndef ATTEND_BASE_FILE_NAMES_H_
#define ATTEND_BASE_FILE_NAMES_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace attend {

inline constexpr size_t kMostNameBytes = 255;  // on nearly all file systems, without the folder

/// The longest beginning of `name` that leaves `room` bytes for more, and splits no character of UTF-8.
inline std::string with_room(std::string_view name, size_t room) {
  if (name.size() + room <= kMostNameBytes) return std::string(name);
  size_t size = kMostNameBytes - room;
  const auto continues = [&](size_t at) { return (static_cast<unsigned char>(name[at]) & 0xc0) == 0x80; };
  size_t whole = size;
  while (whole > 0 && size - whole < 4 && continues(whole)) --whole;
  return std::string(name.substr(0, continues(whole) ? size : whole));
}

}  // namespace attend

#endif  // ATTEND_BASE_FILE_NAMES_H_
