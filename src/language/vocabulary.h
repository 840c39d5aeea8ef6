// The words that a decoder can say, each with its number.
#ifndef ATTEND_LANGUAGE_VOCABULARY_H_
#define ATTEND_LANGUAGE_VOCABULARY_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "attend/status.h"

namespace attend {

class Vocabulary {
 public:
  /// The first three numbers are no words of captions: what comes before the first word, what comes after the
  /// last, and what stands for a word that is not in the list.
  static constexpr int32_t kStart = 0;
  static constexpr int32_t kEnd = 1;
  static constexpr int32_t kUnknown = 2;
  static constexpr int32_t kSpecials = 3;

  /// Every word that `captions` (each as split_words() gives it) hold at least `min_count` times, the most
  /// frequent first and ties in the order of their bytes: the result does not depend on the order of the
  /// captions.
  static Vocabulary build(std::span<const std::vector<std::string>> captions, int64_t min_count);

  /// Reads what serialise() wrote. `name` (a file, say) stands in messages. Errors: kCorrupt, "NAME:
  /// vocabulary line N ...", for a first three lines other than "<start>", "<end>", "<unknown>"; a word that
  /// is empty, given twice, not UTF-8 or with a space or control character in it.
  static Result<Vocabulary> parse(std::string_view text, std::string_view name);

  /// The words in order, one a line, with a line feed after each but the last.
  std::string serialise() const;

  /// The number of words, the three specials included; numbers are [0, size()).
  int32_t size() const { return static_cast<int32_t>(words_.size()); }

  /// kUnknown when the list lacks `word`.
  int32_t id(std::string_view word) const;
  /// `id` must be in [0, size()).
  const std::string& word(int32_t id) const { return words_[static_cast<size_t>(id)]; }
  const std::vector<std::string>& words() const { return words_; }

  /// One number a word; adds neither kStart nor kEnd.
  std::vector<int32_t> encode(std::span<const std::string> words) const;

  /// The sentence as people write it: words with a space between them, "'s" and "n't" glued to the word
  /// before ("a dog 's bone" -> "a dog's bone"), brackets as signs. Stops at kEnd, skips kStart; kUnknown
  /// reads "<unknown>".
  std::string decode(std::span<const int32_t> ids) const;

 private:
  explicit Vocabulary(std::vector<std::string> words);

  std::vector<std::string> words_;
  std::unordered_map<std::string, int32_t> ids_;
};

/// The sentence that Vocabulary::decode() makes, from words.
std::string join_words(std::span<const std::string> words);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_VOCABULARY_H_
