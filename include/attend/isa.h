// Which instruction set a kernel runs on, as a value that can be listed, pinned and printed.
#ifndef ATTEND_ISA_H_
#define ATTEND_ISA_H_

#include <optional>
#include <string_view>
#include <vector>

namespace attend {

enum class Isa {
  kScalar,  // the plain reference loops, compiled for the baseline
  kSse4,
  kAvx2,
  kAvx512,
  kAvx512Bf16,  // kAvx512, and products of bfloat16 numbers two at a time
  kNeon,
};

/// The instruction sets of this build that this machine can run, fastest first; kScalar is always the last.
std::vector<Isa> isas();

/// "avx512_bf16", "avx512", "avx2", "sse4", "neon", "scalar".
std::string_view name(Isa isa);

/// The inverse of name(); nothing when the word names no instruction set.
std::optional<Isa> isa_from_name(std::string_view word);

}  // namespace attend

#endif  // ATTEND_ISA_H_
