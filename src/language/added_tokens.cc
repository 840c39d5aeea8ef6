#include "language/added_tokens.h"

#include <algorithm>
#include <utility>

#include "language/code_points.h"

namespace attend {
namespace {

/// The first and the last character; text is not empty.
char32_t first_of(std::string_view text) {
  return to_code_points(text.substr(0, 4)).front();
}
size_t start_of_last(std::string_view text) {
  size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  return at;
}
char32_t last_of(std::string_view text) {
  return first_of(text.substr(start_of_last(text)));
}

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  const bool left = begin == 0 || !is_word_character(last_of(text.substr(0, begin)));
  return left && (end == text.size() || !is_word_character(first_of(text.substr(end))));
}

size_t without_blanks_before(std::string_view text, size_t end) {
  while (end > 0 && is_space(last_of(text.substr(0, end)))) end = start_of_last(text.substr(0, end));
  return end;
}

size_t past_blanks(std::string_view text, size_t begin) {
  while (begin < text.size() && is_space(first_of(text.substr(begin)))) {
    begin += to_utf8(std::u32string{first_of(text.substr(begin))}).size();
  }
  return begin;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.text.empty(); });
}

void AddedTokens::split(std::string_view text, const std::function<void(std::string_view)>& part,
                        const std::function<void(int32_t)>& token) const {
  size_t done = 0, from = 0;   // what is given out already, and where to look on
  std::vector<size_t> places;  // where each token comes next
  for (const AddedToken& one : tokens_) places.push_back(text.find(one.text));
  while (from < text.size()) {
    size_t at = std::string_view::npos;
    const AddedToken* next = nullptr;
    for (size_t i = 0; i < tokens_.size(); ++i) {
      if (places[i] < from) places[i] = text.find(tokens_[i].text, from);
      const bool longer = next != nullptr && tokens_[i].text.size() > next->text.size();
      if (places[i] > at || places[i] == std::string_view::npos || (places[i] == at && !longer)) continue;
      at = places[i];
      next = &tokens_[i];
    }
    if (next == nullptr) break;
    from = at + next->text.size();
    if (next->single_word && !stands_alone(text, at, from)) continue;
    if (next->strips_left) at = std::max(done, without_blanks_before(text, at));
    if (next->strips_right) from = past_blanks(text, from);
    if (at > done) part(text.substr(done, at - done));
    token(next->id);
    done = from;
  }
  if (done < text.size()) part(text.substr(done));
}

}  // namespace attend
