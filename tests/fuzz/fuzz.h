// The kinds of input that the fuzzer makes of bytes. Each checks its answers with gtest's assertions, which
// throw here, so that libFuzzer keeps the bytes.
#ifndef ATTEND_TESTS_FUZZ_FUZZ_H_
#define ATTEND_TESTS_FUZZ_FUZZ_H_

#include "base/choices.h"

namespace attend {

/// On every instruction set: answers within the bounds of rounding, the same bits for any number of workers,
/// nothing written beside the outputs, and no trace of a NaN in what no query sees.
void fuzz_forward(Choices& choices);
void fuzz_sixteen_bits(Choices& choices);
void fuzz_backward(Choices& choices);
void fuzz_decode(Choices& choices);

/// Packed sequences have the bits of each sequence alone, on every instruction set.
void fuzz_packed(Choices& choices);

/// A cache that appends, truncates and shares holds what a list of rows would.
void fuzz_cache(Choices& choices);

/// Calls of which one thing is wrong: refused in a sentence, with nothing written.
void fuzz_hostile_forward(Choices& choices);
void fuzz_hostile_backward(Choices& choices);
void fuzz_hostile_decode(Choices& choices);
void fuzz_hostile_append(Choices& choices);

}  // namespace attend

#endif  // ATTEND_TESTS_FUZZ_FUZZ_H_
