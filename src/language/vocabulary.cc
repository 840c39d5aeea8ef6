#include "language/vocabulary.h"

#include <algorithm>
#include <array>
#include <utility>

#include "language/utf8.h"

namespace attend {
namespace {

constexpr std::array<std::string_view, Vocabulary::kSpecials> kSpecialWords = {"<start>", "<end>",
                                                                               "<unknown>"};

// Empty when `word` may stand in a vocabulary, else what is wrong with it.
std::string_view fault_of(std::string_view word) {
  if (word.empty()) return "is empty";
  if (!is_utf8(word)) return "is not UTF-8";
  const auto is_blank_or_control = [](char c) { return (c >= 0 && c <= ' ') || c == 0x7f; };
  if (std::any_of(word.begin(), word.end(), is_blank_or_control)) return "holds a space or control character";
  return {};
}

bool is_special(std::string_view word) {
  return std::find(kSpecialWords.begin(), kSpecialWords.end(), word) != kSpecialWords.end();
}

// The Treebank cuts these off the word before them; written text does not.
bool is_suffix(std::string_view word) {
  constexpr std::array<std::string_view, 7> kSuffixes = {"'s", "n't", "'re", "'ve", "'ll", "'d", "'m"};
  return std::find(kSuffixes.begin(), kSuffixes.end(), word) != kSuffixes.end();
}

std::string_view as_written(std::string_view word) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kBrackets = {
      {{"-lrb-", "("}, {"-rrb-", ")"}, {"-lsb-", "["}, {"-rsb-", "]"}, {"-lcb-", "{"}, {"-rcb-", "}"}}};
  for (const auto& [treebank, sign] : kBrackets) {
    if (word == treebank) return sign;
  }
  return word;
}

bool is_opening(std::string_view sign) {
  return sign == "(" || sign == "[" || sign == "{";
}
bool is_closing(std::string_view sign) {
  return sign == ")" || sign == "]" || sign == "}";
}

}  // namespace

Vocabulary::Vocabulary(std::vector<std::string> words) : words_(std::move(words)) {
  ids_.reserve(words_.size());
  for (size_t i = 0; i < words_.size(); ++i) ids_.emplace(words_[i], static_cast<int32_t>(i));
}

Vocabulary Vocabulary::build(std::span<const std::vector<std::string>> captions, int64_t min_count) {
  std::unordered_map<std::string, int64_t> counts;
  for (const auto& caption : captions) {
    for (const std::string& word : caption) ++counts[word];
  }
  std::vector<std::pair<std::string, int64_t>> frequent;
  for (const auto& [word, count] : counts) {
    if (count >= min_count && !is_special(word) && fault_of(word).empty()) frequent.emplace_back(word, count);
  }
  std::sort(frequent.begin(), frequent.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });

  std::vector<std::string> words(kSpecialWords.begin(), kSpecialWords.end());
  for (auto& [word, count] : frequent) words.push_back(std::move(word));
  return Vocabulary(std::move(words));
}

Result<Vocabulary> Vocabulary::parse(std::string_view text, std::string_view name) {
  const auto corrupt = [&](size_t line, std::string_view fault) {
    return Status(StatusCode::kCorrupt,
                  std::string(name) + ": vocabulary line " + std::to_string(line) + " " + std::string(fault));
  };
  std::vector<std::string> words;
  std::unordered_map<std::string_view, size_t> lines;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const size_t line = words.size() + 1;
    if (line <= kSpecialWords.size() && word != kSpecialWords[line - 1]) {
      return corrupt(line, "is not \"" + std::string(kSpecialWords[line - 1]) + "\"");
    }
    if (const auto fault = fault_of(word); !fault.empty()) return corrupt(line, fault);
    if (const auto [first, fresh] = lines.emplace(word, line); !fresh) {
      return corrupt(line,
                     "repeats line " + std::to_string(first->second) + ", \"" + std::string(word) + "\"");
    }
    words.emplace_back(word);
    begin = end + 1;
  }
  if (words.size() < kSpecialWords.size()) return corrupt(words.size() + 1, "is missing");
  return Vocabulary(std::move(words));
}

std::string Vocabulary::serialise() const {
  std::string text = words_.front();
  for (size_t i = 1; i < words_.size(); ++i) text.append("\n").append(words_[i]);
  return text;
}

int32_t Vocabulary::id(std::string_view word) const {
  const auto at = ids_.find(std::string(word));
  return at == ids_.end() ? kUnknown : at->second;
}

std::vector<int32_t> Vocabulary::encode(std::span<const std::string> words) const {
  std::vector<int32_t> ids;
  ids.reserve(words.size());
  for (const std::string& word : words) ids.push_back(id(word));
  return ids;
}

std::string Vocabulary::decode(std::span<const int32_t> ids) const {
  std::vector<std::string> words;
  for (const int32_t id : ids) {
    if (id == kEnd) break;
    if (id != kStart) words.push_back(word(id));
  }
  return join_words(words);
}

std::string join_words(std::span<const std::string> words) {
  std::string sentence;
  bool glue = true;  // the next word to the last
  for (const std::string& word : words) {
    const std::string_view written = as_written(word);
    if (!glue && !is_suffix(word) && !is_closing(written)) sentence += ' ';
    sentence += written;
    glue = is_opening(written);
  }
  return sentence;
}

}  // namespace attend
