#include "published/token_caption.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "language/code_points.h"

namespace attend {
namespace {

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// A token's place in the text before blanks are made one.
struct Span {
  size_t begin, end;
  const SpokenWord* spoken;  // null for a token of the prompt
};

/// [begin, end) of the next run without blanks from `at` on; empty at the end.
std::pair<size_t, size_t> next_word(const std::string& text, size_t at) {
  while (at < text.size() && is_blank(text[at])) ++at;
  size_t end = at;
  while (end < text.size() && !is_blank(text[end])) ++end;
  return {at, end};
}

/// Sums up the tokens of one word.
class Word {
 public:
  void add(const SpokenWord& token) {
    word_.probability *= static_cast<double>(token.probability);
    if (!token.attention.empty()) {
      word_.attention.resize(token.attention.size() - 1);
      for (size_t i = 0; i < word_.attention.size(); ++i) word_.attention[i] += token.attention[i + 1];
    }
    ++tokens_;
  }
  bool empty() const { return tokens_ == 0; }
  CaptionWord finish(std::string text) && {
    word_.text = std::move(text);
    const float sum = std::accumulate(word_.attention.begin(), word_.attention.end(), 0.0f);
    if (sum > 0) {
      for (float& weight : word_.attention) weight /= sum;
    }
    return std::move(word_);
  }

 private:
  CaptionWord word_ = {.text = {}, .probability = 1, .attention = {}};
  int tokens_ = 0;
};

}  // namespace

Caption to_caption(const FoundTokens& found, int64_t prompt, const Tokenizer& tokenizer, int grid) {
  const auto [text, ends] = tokenizer.decode(found.ids);
  std::vector<Span> spans;
  for (size_t i = 0; i < ends.size(); ++i) {
    const size_t said = i - static_cast<size_t>(prompt);
    spans.push_back(
        {i == 0 ? 0 : ends[i - 1], ends[i], i < static_cast<size_t>(prompt) ? nullptr : &found.spoken[said]});
  }

  Caption caption;
  caption.grid = grid;
  caption.tokens = found.ids;
  caption.log_probability = found.log_probability;
  caption.probability = std::exp(found.log_probability);
  auto first = spans.begin();
  for (auto [begin, end] = next_word(text, 0); begin < end; std::tie(begin, end) = next_word(text, end)) {
    while (first != spans.end() && first->end <= begin) ++first;
    Word word;
    for (auto span = first; span != spans.end() && span->begin < end; ++span) {
      if (span->spoken != nullptr && span->end > span->begin) word.add(*span->spoken);
    }
    // Bytes that make no character become one that says so.
    std::string spelled = to_utf8(to_code_points(std::string_view(text).substr(begin, end - begin)));
    caption.text += (caption.text.empty() ? "" : " ") + spelled;
    if (!word.empty()) caption.words.push_back(std::move(word).finish(std::move(spelled)));
  }
  return caption;
}

}  // namespace attend
