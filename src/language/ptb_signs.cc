// Addresses, faces, tags and punctuation.
#include <algorithm>

#include "language/ptb_characters.h"
#include "language/ptb_forms.h"

namespace attend::ptb {

bool Forms::is_of_address(char c) {
  return !is_space(c) && !is_one_of(c, "\"<>|(){}@");
}

Match Forms::address(size_t i) {
  if (is_one_of(at(i), "#@") && is_ascii_letter(at(i + 1))) {
    const bool name = at(i) == '@';
    const size_t end = skip(
        text_, i + 1, [name](char c) { return is_ascii_letter(c) || (name && (is_digit(c) || c == '_')); });
    return {end - i, end - i};
  }
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!begins_with(text_, i, scheme)) continue;
    size_t end = skip(text_, i, [](char c) { return !is_space(c) && !is_one_of(c, "<>\"|(){}"); });
    while (end > i && is_one_of(text_[end - 1], ".,;:!?'")) --end;
    return {end - i, end - i};
  }
  if (!is_ascii_alnum(at(i))) return {};
  const size_t local = address_run_(text_, i);
  if (at(local) != '@') return {};
  const auto in_domain = [](char c) { return is_of_address(c) && c != '.'; };
  size_t end = skip(text_, local + 1, in_domain);
  if (end == local + 1) return {};
  while (at(end) == '.' && end + 1 < text_.size() && in_domain(text_[end + 1])) {
    end = skip(text_, end + 1, in_domain);
  }
  return {end - i, end - i};
}

size_t Forms::emoticon_end(size_t i) const {
  size_t end = is_one_of(at(i), "<>") ? i + 1 : i;
  if (!is_one_of(at(end), ":;=")) return i;
  ++end;
  if (is_one_of(at(end), "-o*'")) ++end;
  return is_one_of(at(end), "()DPdpO\\{@|[]") && !is_alnum(at(end + 1)) ? end + 1 : i;
}

size_t Forms::tag_end(size_t i) const {
  if (at(i) != '<') return i;
  const size_t name = at(i + 1) == '/' ? i + 2 : i + 1;
  if (!is_ascii_letter(at(name))) return i;
  size_t end = skip(text_, name, [](char c) { return is_ascii_alnum(c) || is_one_of(c, "_:.-"); });
  if (at(end) == '/') ++end;
  return at(end) == '>' ? end + 1 : i;
}

Match Forms::sign(size_t i) const {
  for (const std::string_view bracket : {"-lrb-", "-rrb-", "-lsb-", "-rsb-", "-lcb-", "-rcb-"}) {
    if (begins_with(text_, i, bracket)) return {bracket.size(), bracket.size()};
  }
  if (const size_t end = std::max(tag_end(i), emoticon_end(i)); end > i) return {end - i, end - i};
  const char first = at(i);
  const auto run = [&](auto in_class) { return skip(text_, i, in_class) - i; };
  size_t length = 1;
  if (is_one_of(first, "?!")) length = run([](char c) { return c == '?' || c == '!'; });
  if (is_one_of(first, "-_*@")) length = run([first](char c) { return c == first; });
  if (first == '.') {
    const size_t dots = run([](char c) { return c == '.'; });
    length = dots >= 3 ? dots : 1;
  }
  if ((first == '\'' || first == '`') && at(i + 1) == first) length = 2;
  if (is_upper(first)) {  // US$
    const size_t end = skip(text_, i, is_upper);
    if (at(end) == '$') length = end + 1 - i;
  }
  return {length, length};
}

}  // namespace attend::ptb
