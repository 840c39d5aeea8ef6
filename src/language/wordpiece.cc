#include "language/wordpiece.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "language/code_points.h"

namespace attend {
namespace {

constexpr size_t kLongestWord = 100;  // characters; a longer one is unknown
constexpr std::string_view kGoesOn = "##";

std::u32string cleaned(std::string_view text, bool separate_ideographs) {
  std::u32string clean;
  for (const char32_t c : to_code_points(text)) {
    const bool blank = c == '\t' || c == '\n' || c == '\r';
    if (!blank && (c == 0 || c == 0xfffd || is_control(c))) continue;
    const bool apart = separate_ideographs && is_ideograph(c);
    if (apart) clean += U' ';
    clean += is_space(c) ? U' ' : c;
    if (apart) clean += U' ';
  }
  return clean;
}

/// Signs and endings that lose the spaces around them.
constexpr std::array<std::string_view, 10> kClose = {" .",   " ?",  " !",  " ,",   " ' ",
                                                     " n't", " 'm", " 's", " 've", " 're"};

/// Takes the spaces out of each `spaced` in the text, one after the other.
void close_up(std::string_view spaced, std::string& text, std::span<size_t> ends) {
  for (size_t at = text.find(spaced); at != std::string::npos; at = text.find(spaced, at)) {
    const size_t end = at + spaced.size();
    for (size_t i = at, left = spaced.size(); left > 0; --left) {
      if (text[i] != ' ') {
        ++i;
        continue;
      }
      text.erase(i, 1);
      for (size_t& bound : ends) bound -= bound > i ? 1 : 0;
    }
    at = end - static_cast<size_t>(std::ranges::count(spaced, ' '));
  }
}

}  // namespace

WordPiece::WordPiece(TokenTable table, const std::vector<AddedToken>& added, WordPieceOptions options)
    : Tokenizer(std::move(table)), options_(std::move(options)) {
  add(added);
}

std::string WordPiece::normalised(std::string_view text) const {
  std::u32string clean = cleaned(text, options_.separate_ideographs);
  if (options_.strip_accents) clean = without_accents(clean);
  return to_utf8(options_.lower_case ? lower_case(clean) : clean);
}

void WordPiece::encode_part(std::string_view text, std::vector<int32_t>& ids) const {
  std::u32string word;
  const auto finish = [&] {
    if (!word.empty()) encode_word(word, ids);
    word.clear();
  };
  for (const char32_t c : to_code_points(text)) {
    if (is_space(c)) {
      finish();
    } else if (is_punctuation(c)) {
      finish();
      encode_word(std::u32string_view(&c, 1), ids);
    } else {
      word += c;
    }
  }
  finish();
}

void WordPiece::encode_word(std::u32string_view word, std::vector<int32_t>& ids) const {
  const size_t before = ids.size();
  bool known = word.size() <= kLongestWord;
  for (size_t begin = 0; known && begin < word.size();) {
    size_t end = word.size();
    int32_t id = -1;
    for (; end > begin; --end) {
      std::string piece(begin > 0 ? kGoesOn : std::string_view());
      piece += to_utf8(word.substr(begin, end - begin));
      id = table().id(piece);
      if (id >= 0) break;
    }
    known = id >= 0;
    if (known) ids.push_back(id);
    begin = end;
  }
  if (known) return;
  ids.resize(before);
  ids.push_back(table().id(options_.unknown));
}

std::string WordPiece::text_of(const std::string& token, bool first) const {
  const bool goes_on = !first && token.starts_with(kGoesOn);
  std::string text;
  if (!first && !goes_on) text += ' ';
  text += std::string_view(token).substr(goes_on ? kGoesOn.size() : 0);
  for (const std::string_view spaced : kClose) close_up(spaced, text, {});
  // The decoder of tokenizers does this to a token that has it inside, and to no text.
  for (size_t at = 0; (at = text.find(" do not")) != std::string::npos;) text.replace(at, 7, " don't");
  return text;
}

void WordPiece::finish(Text& text) const {
  if (!options_.close_up) return;
  for (const std::string_view spaced : kClose) close_up(spaced, text.text, text.ends);
}

}  // namespace attend
