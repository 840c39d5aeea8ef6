// Classes of characters, and steps over them, that the forms of tokens are made of. A byte beyond ASCII is a
// letter.
#ifndef ATTEND_LANGUAGE_PTB_CHARACTERS_H_
#define ATTEND_LANGUAGE_PTB_CHARACTERS_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace attend::ptb {

constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
constexpr bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr char lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}
constexpr bool is_ascii_letter(char c) {
  return lower(c) >= 'a' && lower(c) <= 'z';
}
constexpr bool is_ascii_alnum(char c) {
  return is_ascii_letter(c) || is_digit(c);
}
constexpr bool is_letter(char c) {
  return is_ascii_letter(c) || static_cast<unsigned char>(c) >= 0x80;
}
constexpr bool is_alnum(char c) {
  return is_letter(c) || is_digit(c);
}
constexpr bool is_quote(char c) {
  return c == '\'' || c == '`';
}

/// False for the NUL that Forms::at() gives past the end.
constexpr bool is_one_of(char c, std::string_view set) {
  return c != '\0' && set.find(c) != std::string_view::npos;
}

/// Whether `expected`, in lower case, stands at `at` in any case.
constexpr bool begins_with(std::string_view text, size_t at, std::string_view expected) {
  if (at > text.size() || text.size() - at < expected.size()) return false;
  return std::equal(expected.begin(), expected.end(), text.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char want, char have) { return lower(have) == want; });
}

/// The first position from `at` on whose character is not in the class.
template <class InClass>
constexpr size_t skip(std::string_view text, size_t at, InClass in_class) {
  while (at < text.size() && in_class(text[at])) ++at;
  return at;
}

inline std::string lower_case(std::string_view word) {
  std::string copy(word);
  std::transform(copy.begin(), copy.end(), copy.begin(), lower);
  return copy;
}

}  // namespace attend::ptb

#endif  // ATTEND_LANGUAGE_PTB_CHARACTERS_H_
