// Sentences that do not go in circles.
#ifndef ATTEND_LANGUAGE_REPETITION_H_
#define ATTEND_LANGUAGE_REPETITION_H_

#include <cstdint>
#include <span>
#include <vector>

namespace attend {

/// The words that would make the last n words of a sentence an n-gram that it already has (Paulus et al.
/// 2018). With n = 1, all that was said. May hold a word twice; empty for n = 0.
std::vector<int32_t> words_that_repeat(std::span<const int32_t> said, int n);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_REPETITION_H_
