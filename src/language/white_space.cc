#include "language/white_space.h"

#include <algorithm>
#include <array>
#include <utility>

namespace attend {
namespace {

constexpr std::array<std::string_view, 19> kLongSpaces = {
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80",                  // U+0085, U+00A0, U+1680
    "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83",  // U+2000 and on
    "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87",
    "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a",  // U+200A
    "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf",  // U+2028, U+2029, U+202F
    "\xe2\x81\x9f", "\xe3\x80\x80"};                 // U+205F, U+3000

}  // namespace

size_t white_space_length(std::string_view text) {
  if (text.empty()) return 0;
  const char c = text.front();
  if (c == ' ' || (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f)) return 1;
  const auto* const found =
      std::ranges::find_if(kLongSpaces, [&](std::string_view space) { return text.starts_with(space); });
  return found == kLongSpaces.end() ? 0 : found->size();
}

std::vector<std::string> split_at_white_space(std::string_view text) {
  std::vector<std::string> parts;
  std::string part;
  while (!text.empty()) {
    const size_t space = white_space_length(text);
    if (space == 0) {
      part += text.front();
    } else if (!part.empty()) {
      parts.push_back(std::exchange(part, {}));
    }
    text.remove_prefix(std::max<size_t>(space, 1));
  }
  if (!part.empty()) parts.push_back(std::move(part));
  return parts;
}

std::string single_spaced(std::string_view text) {
  std::string joined;
  for (const std::string& part : split_at_white_space(text)) {
    if (!joined.empty()) joined += ' ';
    joined += part;
  }
  return joined;
}

}  // namespace attend
