#include "language/utf8.h"

#include <algorithm>
#include <cstdint>

namespace attend {

namespace {

/// The bytes of a character by its first, and what the second may be: that carries the checks on overlong
/// forms, surrogates and the upper end (RFC 3629, section 4).
struct Form {
  size_t length = 0;  // 0: no character begins so
  uint8_t low = 0x80, high = 0xbf;
};

Form form_of(uint8_t lead) {
  Form form;
  if (lead < 0x80) {
    form.length = 1;
  } else if (lead >= 0xc2 && lead <= 0xdf) {
    form.length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    form.length = 3;
    if (lead == 0xe0) form.low = 0xa0;
    if (lead == 0xed) form.high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    form.length = 4;
    if (lead == 0xf0) form.low = 0x90;
    if (lead == 0xf4) form.high = 0x8f;
  }
  return form;
}

/// How many bytes of a character of this form `text` begins with.
size_t fitting(const Form& form, std::string_view text) {
  size_t count = std::min<size_t>(form.length, 1);
  for (; count < form.length && count < text.size(); ++count) {
    const uint8_t byte = static_cast<uint8_t>(text[count]);
    if (byte < (count == 1 ? form.low : 0x80) || byte > (count == 1 ? form.high : 0xbf)) break;
  }
  return count;
}

}  // namespace

size_t utf8_character_length(std::string_view text) {
  if (text.empty()) return 0;
  const Form form = form_of(static_cast<uint8_t>(text[0]));
  return fitting(form, text) == form.length ? form.length : 0;
}

size_t utf8_broken_length(std::string_view text) {
  return std::max<size_t>(1, fitting(form_of(static_cast<uint8_t>(text[0])), text));
}

std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  return text.starts_with(kMark) ? text.substr(kMark.size()) : text;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_character_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace attend
