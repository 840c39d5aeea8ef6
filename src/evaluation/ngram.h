// Sentences as numbers, and the runs of one to four words in them: the one representation that BLEU, ROUGE-L
// and CIDEr-D share.
#ifndef ATTEND_EVALUATION_NGRAM_H_
#define ATTEND_EVALUATION_NGRAM_H_

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace attend {

/// One number a word, none negative. Which number stands for which word is the caller's choice, as long as
/// all sentences that meet in one score agree.
using WordIds = std::vector<int32_t>;

/// Gives each word a number, in order of first appearance. Interning a Vocabulary's words first makes its
/// numbers and these agree, with the words beyond the vocabulary numbered after them.
class WordTable {
 public:
  int32_t intern(std::string_view word);
  WordIds intern(std::span<const std::string> words);
  int32_t size() const { return static_cast<int32_t>(ids_.size()); }

 private:
  std::unordered_map<std::string, int32_t> ids_;
};

inline constexpr size_t kMaxNgram = 4;

/// One to four words packed into 128 bits: word + 1 in 32 bits each, first word highest, 0 where there is
/// none.
struct Ngram {
  uint64_t high = 0;
  uint64_t low = 0;

  /// 1 to kMaxNgram words.
  explicit Ngram(std::span<const int32_t> words);
  /// 1 to kMaxNgram.
  size_t length() const;
  uint64_t hash() const;

  auto operator<=>(const Ngram&) const = default;  // NOLINT(modernize-use-nullptr): its 0 is no pointer
};

struct NgramCount {
  Ngram ngram;
  int32_t count;
};

/// Every distinct n-gram of 1 to kMaxNgram words in `words`, sorted, with how often it occurs.
std::vector<NgramCount> count_ngrams(std::span<const int32_t> words);

}  // namespace attend

#endif  // ATTEND_EVALUATION_NGRAM_H_
