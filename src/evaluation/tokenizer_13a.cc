#include "evaluation/tokenizer_13a.h"

#include <cstddef>

#include "language/white_space.h"

namespace attend {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

// All of the rules look at ASCII alone, so bytes of longer characters may pass as "anything else".
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_point(char c) {
  return c == '.' || c == ',';
}
bool stands_alone(char c) {
  return (c >= '{' && c <= '~') || (c >= '[' && c <= '`') || (c >= ' ' && c <= '&') ||
         (c >= '(' && c <= '+') || (c >= ':' && c <= '@') || c == '/';
}

/// Writes `text` with spaces put in wherever a pair of neighbours (left, right) is `met`: after the pair, and
/// before it or between the two. Pairs do not overlap: what was right of one is not left of the next.
template <class Met>
std::string space_pairs(std::string_view text, bool between, Met met) {
  std::string spaced;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i + 1 == text.size() || !met(text[i], text[i + 1])) {
      spaced += text[i];
      continue;
    }
    if (!between) spaced += ' ';
    spaced += text[i];
    spaced += ' ';
    spaced += text[++i];
    if (between) spaced += ' ';
  }
  return spaced;
}

}  // namespace

std::vector<std::string> tokenize_13a(std::string_view line) {
  std::string text(line);
  replace_all(text, "<skipped>", "");
  replace_all(text, "-\n", "");
  replace_all(text, "\n", " ");
  replace_all(text, "&quot;", "\"");
  replace_all(text, "&amp;", "&");
  replace_all(text, "&lt;", "<");
  replace_all(text, "&gt;", ">");
  text = " " + text + " ";

  std::string signs_apart;
  for (const char c : text) {
    if (stands_alone(c)) {
      signs_apart += {' ', c, ' '};
    } else {
      signs_apart += c;
    }
  }
  text = space_pairs(signs_apart, true, [](char a, char b) { return !is_digit(a) && is_point(b); });
  text = space_pairs(text, false, [](char a, char b) { return is_point(a) && !is_digit(b); });
  text = space_pairs(text, true, [](char a, char b) { return is_digit(a) && b == '-'; });
  return split_at_white_space(text);
}

}  // namespace attend
