#include "evaluation/ngram.h"

#include <algorithm>
#include <array>

#include "base/random.h"

namespace attend {

int32_t WordTable::intern(std::string_view word) {
  return ids_.try_emplace(std::string(word), size()).first->second;
}

WordIds WordTable::intern(std::span<const std::string> words) {
  WordIds sentence;
  sentence.reserve(words.size());
  for (const std::string& word : words) sentence.push_back(intern(word));
  return sentence;
}

Ngram::Ngram(std::span<const int32_t> words) {
  std::array<uint64_t, kMaxNgram> packed{};
  for (size_t i = 0; i < words.size(); ++i) packed[i] = static_cast<uint32_t>(words[i]) + uint64_t{1};
  high = packed[0] << 32 | packed[1];
  low = packed[2] << 32 | packed[3];
}

size_t Ngram::length() const {
  constexpr uint64_t kSecondWord = 0xffffffffu;
  if (low == 0) return (high & kSecondWord) == 0 ? 1 : 2;
  return (low & kSecondWord) == 0 ? 3 : 4;
}

uint64_t Ngram::hash() const {
  return mix_bits(high ^ mix_bits(low));
}

std::vector<NgramCount> count_ngrams(std::span<const int32_t> words) {
  std::vector<Ngram> ngrams;
  ngrams.reserve(kMaxNgram * words.size());
  for (size_t length = 1; length <= std::min(kMaxNgram, words.size()); ++length) {
    for (size_t i = 0; i + length <= words.size(); ++i) ngrams.emplace_back(words.subspan(i, length));
  }
  std::sort(ngrams.begin(), ngrams.end());

  std::vector<NgramCount> counts;
  counts.reserve(ngrams.size());
  for (const Ngram& ngram : ngrams) {
    if (counts.empty() || counts.back().ngram != ngram) counts.push_back({ngram, 0});
    ++counts.back().count;
  }
  return counts;
}

}  // namespace attend
