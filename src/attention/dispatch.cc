#include "attention/dispatch.h"

#include "attention/targets.h"
// targets.h chooses what Highway's headers declare.
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "attention/kernels.h"
#include "attention/score_rule.h"
#include "hwy/targets.h"

namespace attend {
namespace {

struct Entry {
  Isa isa;
  std::string_view name;
  int64_t target;  // Highway's bit
  int lanes;
};

/// Every instruction set, fastest first.
constexpr std::array<Entry, 6> kEntries = {{{Isa::kAvx512Bf16, "avx512_bf16", HWY_AVX3, 16},
                                            {Isa::kAvx512, "avx512", HWY_AVX3, 16},
                                            {Isa::kAvx2, "avx2", HWY_AVX2, 8},
                                            {Isa::kSse4, "sse4", HWY_SSE4, 4},
                                            {Isa::kNeon, "neon", HWY_NEON, 4},
                                            {Isa::kScalar, "scalar", 0, 1}}};

/// Of a number that names no instruction set: one without a lane.
const Entry& entry_of(Isa isa) {
  static constexpr Entry kUnknown = {Isa::kScalar, "unknown", 0, 0};
  const auto* found =
      std::find_if(kEntries.begin(), kEntries.end(), [isa](const Entry& e) { return e.isa == isa; });
  return found == kEntries.end() ? kUnknown : *found;
}

/// Whether the machine has vdpbf16ps, of which Highway's target does not speak.
bool multiplies_bfloat16() {
#if HWY_ARCH_X86
  return __builtin_cpu_supports("avx512bf16") != 0;
#else
  return false;
#endif
}

/// Whether vdpbf16ps is faster than two products of float32. On Intel's machines it is not (on Sapphire
/// Rapids the kernel runs at 0.55 of the speed): they have it for the sake of what only their matrix unit
/// does fast.
bool multiplies_bfloat16_fast() {
#if HWY_ARCH_X86
  return __builtin_cpu_is("amd") != 0;
#else
  return false;
#endif
}

const std::vector<Isa>& available() {
  static const std::vector<Isa> found = [] {
    const int64_t targets = hwy::SupportedTargets() & HWY_TARGETS;
    std::vector<Isa> list;
    for (const Entry& e : kEntries) {
      const bool here = e.isa == Isa::kScalar || (targets & e.target) != 0;
      if (here && (e.isa != Isa::kAvx512Bf16 || multiplies_bfloat16())) list.push_back(e.isa);
    }
    if (list.front() == Isa::kAvx512Bf16 && !multiplies_bfloat16_fast()) std::swap(list[0], list[1]);
    return list;
  }();
  return found;
}

}  // namespace

std::vector<Isa> isas() {
  return available();
}

std::string_view name(Isa isa) {
  return entry_of(isa).name;
}

std::optional<Isa> isa_from_name(std::string_view word) {
  for (const Entry& e : kEntries) {
    if (e.name == word) return e.isa;
  }
  return std::nullopt;
}

int lanes_of(Isa isa) {
  return entry_of(isa).lanes;
}

bool runs_here(Isa isa) {
  return std::find(available().begin(), available().end(), isa) != available().end();
}

bool vectors_hold(std::optional<float> scale, float softcap) {
  // Without a scale it is 1 / sqrt(D), which is near enough to 1. Below the least, queries lose bits that
  // scores would show; above the most, queries beyond 2^63 become infinite.
  constexpr double kLeast = 0x1p-110, kMost = 0x1p64;
  const double cap = softcap == 0 ? 1 : static_cast<double>(std::min(softcap, kLargestSoftcap)),
               factor = std::abs(static_cast<double>(scale.value_or(1))) / cap;
  return factor == 0 || (factor >= kLeast && factor <= kMost);
}

Isa chosen_isa(std::optional<Isa> pinned, std::optional<float> scale, float softcap) {
  if (!vectors_hold(scale, softcap)) return Isa::kScalar;
  return pinned.value_or(available().front());
}

Isa chosen_isa(DType dtype, const AttentionOptions& options) {
  if (dtype == DType::kFloat64) return Isa::kScalar;
  return chosen_isa(options.isa, options.scale, options.softcap);
}

}  // namespace attend
