#include "language/wordpiece.h"

#include <array>
#include <utility>

#include "language/code_points.h"

namespace attend {
namespace {

constexpr size_t kLongestWord = 100;  // characters; a longer one is unknown
constexpr std::string_view kGoesOn = "##";

std::u32string normalised(std::string_view text, const WordPieceOptions& options) {
  std::u32string clean;
  for (const char32_t c : to_code_points(text)) {
    const bool space = c == '\t' || c == '\n' || c == '\r' || is_space(c);
    if (!space && (c == 0 || c == 0xfffd || is_control(c))) continue;
    const bool apart = options.separate_ideographs && is_ideograph(c);
    if (apart) clean += U' ';
    clean += space ? U' ' : c;
    if (apart) clean += U' ';
  }
  if (options.strip_accents) clean = without_accents(clean);
  return options.lower_case ? lower_case(clean) : clean;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

WordPiece::WordPiece(TokenTable table, std::vector<SpecialToken> specials, WordPieceOptions options)
    : Tokenizer(std::move(table), std::move(specials)), options_(std::move(options)) {}

void WordPiece::encode_part(std::string_view text, std::vector<int32_t>& ids) const {
  const std::u32string characters = normalised(text, options_);
  std::u32string word;
  const auto finish = [&] {
    if (!word.empty()) encode_word(word, ids);
    word.clear();
  };
  for (const char32_t c : characters) {
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
  constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kCloser = {{{" .", "."},
                                                                                      {" ?", "?"},
                                                                                      {" !", "!"},
                                                                                      {" ,", ","},
                                                                                      {" ' ", "'"},
                                                                                      {" n't", "n't"},
                                                                                      {" 'm", "'m"},
                                                                                      {" do not", " don't"},
                                                                                      {" 's", "'s"},
                                                                                      {" 've", "'ve"},
                                                                                      {" 're", "'re"}}};
  for (const auto& [from, to] : kCloser) replace_all(text, from, to);
  return text;
}

}  // namespace attend
