// Which instruction sets the kernels are compiled for. Include before any Highway header.
//
// Exactly one Highway target for each Isa, so that a pinned Isa names one piece of code; and every one of
// them whatever the compiler's baseline, so that -march=native builds can still be tested on the narrower
// ones.
#ifndef ATTEND_ATTENTION_TARGETS_H_
#define ATTEND_ATTENTION_TARGETS_H_

#include <type_traits>

#include "attend/isa.h"

#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

/// In code that is compiled once per target: whether the target is one of ours. Highway's scalar fallback is
/// not.
#define ATTEND_VECTOR_TARGET (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)

namespace attend {

/// The one of them that is for `isa`; null where the compiler lacks the instruction set, whose argument is
/// then nullptr.
template <class Sse4, class Avx2, class Avx512, class Neon>
constexpr std::common_type_t<Sse4, Avx2, Avx512, Neon> kernel_of(Isa isa, Sse4 sse4, Avx2 avx2, Avx512 avx512,
                                                                 Neon neon) {
  switch (isa) {
    case Isa::kSse4:
      return sse4;
    case Isa::kAvx2:
      return avx2;
    case Isa::kAvx512:
    case Isa::kAvx512Bf16:
      return avx512;
    case Isa::kNeon:
      return neon;
    case Isa::kScalar:
      break;
  }
  return nullptr;
}

}  // namespace attend

/// The function that Highway compiled from `FUNCTION` for the variable `isa`; null where there is none.
#define ATTEND_CHOOSE_KERNEL(isa, FUNCTION)                                                               \
  attend::kernel_of(isa, HWY_CHOOSE_SSE4(FUNCTION), HWY_CHOOSE_AVX2(FUNCTION), HWY_CHOOSE_AVX3(FUNCTION), \
                    HWY_CHOOSE_NEON(FUNCTION))

#endif  // ATTEND_ATTENTION_TARGETS_H_
