// A number for each n-gram of a corpus.
#ifndef ATTEND_EVALUATION_NGRAM_TABLE_H_
#define ATTEND_EVALUATION_NGRAM_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "evaluation/ngram.h"

namespace attend {

/// A hash table with open addressing that keeps its keys in a dense array and only their numbers in the
/// slots: a million n-grams take 24 MB and a look-up touches two cache lines.
class NgramTable {
 public:
  static constexpr uint32_t kAbsent = UINT32_MAX;

  /// The number of `ngram`, a new one (the next) if it has none yet.
  uint32_t intern(const Ngram& ngram);
  /// kAbsent when it has none.
  uint32_t find(const Ngram& ngram) const;

  size_t size() const { return ngrams_.size(); }
  const Ngram& operator[](uint32_t number) const { return ngrams_[number]; }

 private:
  size_t slot_of(const Ngram& ngram) const;
  void grow();

  std::vector<Ngram> ngrams_;
  std::vector<uint32_t> slots_;  // a power of two of them, at most half taken
};

}  // namespace attend

#endif  // ATTEND_EVALUATION_NGRAM_TABLE_H_
