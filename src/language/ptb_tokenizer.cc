#include "language/ptb_tokenizer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "language/ptb_characters.h"
#include "language/ptb_forms.h"

namespace attend {
namespace {

using Replacement = std::pair<std::string_view, std::string_view>;

// Typographers' characters and HTML's names, as their plain equals.
constexpr auto kPlain = std::to_array<Replacement>({
    {"\u2018", "`"},
    {"\u2019", "'"},
    {"\u201c", "\""},
    {"\u201d", "\""},
    {"\u2013", "--"},
    {"\u2014", "--"},
    {"\u2026", " ... "},
    {"\u00a0", " "},
    {"\u3000", " "},
    {"\u00a3", "#"},
    {"\u20ac", "$"},
    {"&amp;", "&"},
    {"&apos;", "'"},
    {"&quot;", "\""},
    {"&lt;", "<"},
    {"&gt;", ">"},
});

// How a bracket is written in the Treebank.
constexpr auto kBrackets = std::to_array<std::pair<char, std::string_view>>(
    {{'(', "-lrb-"}, {')', "-rrb-"}, {'[', "-lsb-"}, {']', "-rsb-"}, {'{', "-lcb-"}, {'}', "-rcb-"}});

std::string plain_text(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const bool plain_byte = static_cast<unsigned char>(text.front()) < 0x80 && text.front() != '&';
    const auto replacement =
        plain_byte ? kPlain.end()
                   : std::find_if(kPlain.begin(), kPlain.end(), [&](const Replacement& candidate) {
                       return text.starts_with(candidate.first);
                     });
    if (replacement == kPlain.end()) {
      plain += text.front();
      text.remove_prefix(1);
    } else {
      plain += replacement->second;
      text.remove_prefix(replacement->first.size());
    }
  }
  return plain;
}

// U+00C0 to U+00DE, less the multiplication sign, are the capitals of the 32 characters after them.
void lower_latin_1(std::string& token) {
  for (size_t i = 1; i < token.size(); ++i) {
    const auto byte = static_cast<unsigned char>(token[i]);
    const bool capital = byte >= 0x80 && byte <= 0x9e && byte != 0x97;
    if (token[i - 1] == '\xc3' && capital) token[i] = static_cast<char>(byte + 0x20);
  }
}

// A bracket alone keeps its own name in "[:" and other faces drawn with square or curly ones.
std::string spell(std::string_view token) {
  std::string lower = ptb::lower_case(token);
  lower_latin_1(lower);
  std::string spelt;
  for (const char c : lower) {
    const auto bracket =
        std::find_if(kBrackets.begin(), kBrackets.end(), [c](const auto& b) { return b.first == c; });
    const bool named = bracket != kBrackets.end() && (token.size() == 1 || c == '(' || c == ')');
    if (named) {
      spelt += bracket->second;
    } else {
      spelt += c;
    }
  }
  return spelt;
}

bool is_dropped(std::string_view token) {
  constexpr auto kPunctuation =
      std::to_array<std::string_view>({"''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"});
  if (std::find(kPunctuation.begin(), kPunctuation.end(), token) != kPunctuation.end()) return true;
  // The original writes double quotes as '' or ``, three or more full stops as ... and hyphens as --.
  const auto only = [&](char c) { return token.find_first_not_of(c) == std::string_view::npos; };
  return token == "\"" || only('.') || only('-');
}

}  // namespace

std::vector<std::string> split_tokens(std::string_view text) {
  const std::string plain = plain_text(text);
  ptb::Forms forms(plain);
  std::vector<std::string> tokens;
  for (size_t at = 0; at < plain.size();) {
    if (ptb::is_space(plain[at])) {
      ++at;
      continue;
    }
    // In order of preference among forms that reach equally far.
    const ptb::Match best = ptb::furthest(
        {forms.split_word(at), forms.contraction(at), forms.abbreviation(at), forms.apostrophe(at),
         forms.address(at), forms.word(at), forms.compound(at), forms.number(at), forms.sign(at)});
    tokens.push_back(spell(std::string_view(plain).substr(at, best.taken)));
    at += best.taken;
  }
  return tokens;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words = split_tokens(text);
  std::erase_if(words, [](const std::string& token) { return is_dropped(token); });
  return words;
}

}  // namespace attend
