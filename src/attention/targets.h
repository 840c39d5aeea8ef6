// Which instruction sets the kernels are compiled for. Include before any Highway header.
//
// Exactly one Highway target for each Isa, so that a pinned Isa names one piece of code; and every one of
// them whatever the compiler's baseline, so that -march=native builds can still be tested on the narrower
// ones.
#ifndef ATTEND_ATTENTION_TARGETS_H_
#define ATTEND_ATTENTION_TARGETS_H_

#define HWY_COMPILE_ALL_ATTAINABLE
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_AVX3_DL | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)

/// In code that is compiled once per target: whether the target is one of ours. Highway's scalar fallback is
/// not.
#define ATTEND_VECTOR_TARGET (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)

/// The function that Highway compiled from `FUNCTION` for the variable `isa`; null where there is none.
#define ATTEND_CHOOSE_KERNEL(isa, FUNCTION)              \
  ((isa) == Isa::kAvx512Bf16 ? HWY_CHOOSE_AVX3(FUNCTION) \
   : (isa) == Isa::kAvx512   ? HWY_CHOOSE_AVX3(FUNCTION) \
   : (isa) == Isa::kAvx2     ? HWY_CHOOSE_AVX2(FUNCTION) \
   : (isa) == Isa::kSse4     ? HWY_CHOOSE_SSE4(FUNCTION) \
   : (isa) == Isa::kNeon     ? HWY_CHOOSE_NEON(FUNCTION) \
                             : nullptr)

#endif  // ATTEND_ATTENTION_TARGETS_H_
