// A text decoder as a source of next words about memories: the patches of photos, the words of sentences.
#ifndef ATTEND_LANGUAGE_MEMORY_IN_WORDS_H_
#define ATTEND_LANGUAGE_MEMORY_IN_WORDS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/arena.h"
#include "language/generation.h"
#include "language/text_decoder.h"

namespace attend {

/// What there is to speak about. One range of `offsets` a prompt.
struct MemoryInput {
  ConstMatrix<float> keys, values;  // [memory rows, width]: what keys and values are projected from
  Offsets offsets;
};

struct MemoryInWordsOptions {
  bool keep_attention = true;       // without, attention() is empty, and steps are cheaper
  std::span<const int64_t> limits;  // the most words about each prompt; empty: what the decoder can carry
};

/// Keys and values of every layer are computed here, once a memory, and shared by all beams and samples; the
/// inputs may go afterwards. Borrows the decoder and the executor.
std::unique_ptr<NextWord> speak_about(const MemoryInput& input, const MemoryInWordsOptions& options,
                                      const TextDecoder<float>& decoder, Executor& executor);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_MEMORY_IN_WORDS_H_
