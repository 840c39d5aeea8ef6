// Sentences and their translations, from files with one a line.
#ifndef ATTEND_TRAINING_SENTENCE_PAIRS_H_
#define ATTEND_TRAINING_SENTENCE_PAIRS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "attend/status.h"
#include "language/sentence_pieces.h"

namespace attend {

/// Line i of one file translates line i of the other.
struct ParallelText {
  std::vector<std::string> source, target;
};

/// The lines of a file of text, without a byte-order mark before the first. Errors: those of MappedFile;
/// kCorrupt "FILE:LINE: ..." for a line that is not UTF-8.
Result<std::vector<std::string>> read_lines(const std::string& path);

/// DATA/SPLIT.SOURCE and DATA/SPLIT.TARGET. Errors: those of read_lines(); kInvalidArgument naming both files
/// and counts when they are not equally long, or when there is no line.
Result<ParallelText> read_parallel_text(const std::string& data, const std::string& split,
                                        const std::string& source, const std::string& target);

/// A pair as pieces, without start and end.
struct SentencePair {
  std::vector<int32_t> source, target;
};

struct EncodedPairs {
  std::vector<SentencePair> pairs;
  int64_t empty = 0, too_long = 0;  // how many were left out, and why
};

/// Pairs of which a side is empty, or has more than `most` pieces, teach nothing and are left out.
EncodedPairs encode_pairs(const ParallelText& text, const SentencePieces& pieces, int64_t most);

}  // namespace attend

#endif  // ATTEND_TRAINING_SENTENCE_PAIRS_H_
