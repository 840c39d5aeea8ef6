#include "cli/printable.h"

#include <fmt/format.h>

namespace attend {

bool begins_with_c1_control(std::string_view text) {
  if (text.size() < 2 || text[0] != '\xc2') return false;
  const auto second = static_cast<unsigned char>(text[1]);
  return second >= 0x80 && second <= 0x9f;
}

std::string printable(std::string_view text, std::string_view kept) {
  std::string line;
  line.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const auto byte = static_cast<unsigned char>(c);
    if (kept.find(c) != std::string_view::npos) {
      line += c;
    } else if (c == '\n') {
      line += "\\n";
    } else if (c == '\t') {
      line += "\\t";
    } else if (c == '\r') {
      line += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      line += fmt::format("\\x{:02x}", byte);
    } else if (begins_with_c1_control(text.substr(i))) {
      line += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[++i]));
    } else {
      line += c;
    }
  }
  return line;
}

}  // namespace attend
