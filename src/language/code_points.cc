#include "language/code_points.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>

#include <array>
#include <utility>
#include <vector>

#include "language/utf8.h"

namespace attend {
namespace {

char32_t decode(std::string_view character) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0);
  char32_t c = byte(0) & (0x7fu >> character.size());
  for (size_t i = 1; i < character.size(); ++i) c = (c << 6) | (byte(i) & 0x3fu);
  return c;
}

std::vector<UChar> to_utf16(std::u32string_view text) {
  std::vector<UChar> units;
  for (const char32_t c : text) {
    if (c >= 0x10000) units.push_back(static_cast<UChar>(0xd7c0 + (c >> 10)));
    units.push_back(static_cast<UChar>(c >= 0x10000 ? 0xdc00 + (c & 0x3ff) : c));
  }
  return units;
}

std::u32string from_utf16(const std::vector<UChar>& units) {
  std::u32string text;
  for (size_t i = 0; i < units.size(); ++i) {
    const char32_t unit = units[i];
    const bool pair = unit >= 0xd800 && unit < 0xdc00 && i + 1 < units.size();
    text += pair ? 0x10000 + ((unit - 0xd800) << 10) + (units[++i] - 0xdc00u) : unit;
  }
  return text;
}

std::u32string decomposed(std::u32string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* const normalizer = unorm2_getNFDInstance(&error);
  if (U_FAILURE(error)) return std::u32string(text);
  const std::vector<UChar> from = to_utf16(text);
  std::vector<UChar> to(4 * from.size() + 16);
  int32_t length = unorm2_normalize(normalizer, from.data(), static_cast<int32_t>(from.size()), to.data(),
                                    static_cast<int32_t>(to.size()), &error);
  if (error == U_BUFFER_OVERFLOW_ERROR) {
    error = U_ZERO_ERROR;
    to.resize(static_cast<size_t>(length));
    length = unorm2_normalize(normalizer, from.data(), static_cast<int32_t>(from.size()), to.data(), length,
                              &error);
  }
  if (U_FAILURE(error)) return std::u32string(text);
  to.resize(static_cast<size_t>(length));
  return from_utf16(to);
}

UChar32 code(char32_t c) {
  return static_cast<UChar32>(c);
}

void append_utf8(char32_t c, std::string& text) {
  const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | (c >> 6));
  } else {
    if (c < 0x10000) {
      put(0xe0 | (c >> 12));
    } else {
      put(0xf0 | (c >> 18));
      put(0x80 | ((c >> 12) & 0x3f));
    }
    put(0x80 | ((c >> 6) & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

}  // namespace

std::u32string to_code_points(std::string_view text) {
  std::u32string characters;
  while (!text.empty()) {
    const size_t length = utf8_character_length(text);
    characters += length == 0 ? char32_t{0xfffd} : decode(text.substr(0, length));
    text.remove_prefix(length == 0 ? utf8_broken_length(text) : length);
  }
  return characters;
}

std::string to_utf8(std::u32string_view text) {
  std::string bytes;
  for (const char32_t c : text) append_utf8(c, bytes);
  return bytes;
}

bool is_space(char32_t c) {
  return u_isUWhiteSpace(code(c));
}
bool is_letter(char32_t c) {
  return (U_GET_GC_MASK(code(c)) & U_GC_L_MASK) != 0;
}
bool is_number(char32_t c) {
  return (U_GET_GC_MASK(code(c)) & U_GC_N_MASK) != 0;
}
bool is_control(char32_t c) {
  return (U_GET_GC_MASK(code(c)) & U_GC_C_MASK & ~U_GC_CN_MASK) != 0;
}
bool is_word_character(char32_t c) {
  const bool by_category = (U_GET_GC_MASK(code(c)) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
  return by_category || u_isUAlphabetic(code(c)) || u_hasBinaryProperty(code(c), UCHAR_JOIN_CONTROL);
}
bool is_punctuation(char32_t c) {
  const bool of_ascii =
      (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
  return of_ascii || (U_GET_GC_MASK(code(c)) & U_GC_P_MASK) != 0;
}

bool is_ideograph(char32_t c) {
  constexpr std::array<std::pair<char32_t, char32_t>, 8> kBlocks = {{{0x4e00, 0x9fff},
                                                                     {0x3400, 0x4dbf},
                                                                     {0x20000, 0x2a6df},
                                                                     {0x2a700, 0x2b73f},
                                                                     {0x2b740, 0x2b81f},
                                                                     {0x2b920, 0x2ceaf},
                                                                     {0xf900, 0xfaff},
                                                                     {0x2f800, 0x2fa1f}}};
  for (const auto& [first, last] : kBlocks) {
    if (c >= first && c <= last) return true;
  }
  return false;
}

std::u32string lower_case(std::u32string_view text) {
  std::u32string lower;
  for (const char32_t c : text) {
    lower += static_cast<char32_t>(u_tolower(code(c)));
    if (c == 0x130) lower += char32_t{0x307};  // the one capital whose small letter is two characters
  }
  return lower;
}

std::u32string without_accents(std::u32string_view text) {
  std::u32string plain;
  for (const char32_t c : decomposed(text)) {
    if ((U_GET_GC_MASK(code(c)) & U_GC_MN_MASK) == 0) plain += c;
  }
  return plain;
}

}  // namespace attend
