#include "fma_peak.h"

#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "fma_peak.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <algorithm>
#include <chrono>

#include "hwy/highway.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// Operations done; `sink` keeps the sums alive.
double multiply_and_add(int64_t rounds, float* sink) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<float> d;
  constexpr int kChains = 12;  // latency 4 times 2 units, and some
  hn::Vec<decltype(d)> sum[kChains];
  const auto x = hn::Set(d, 1.0f + *sink), y = hn::Set(d, *sink);
  for (int c = 0; c < kChains; ++c) sum[c] = hn::Set(d, static_cast<float>(c));
  for (int64_t r = 0; r < rounds; ++r) {
#pragma GCC unroll 16
    for (int c = 0; c < kChains; ++c) sum[c] = hn::MulAdd(sum[c], x, y);
  }
  for (int c = 0; c < kChains; ++c) *sink += hn::GetLane(sum[c]);
  return 2.0 * static_cast<double>(rounds) * kChains * static_cast<double>(hn::Lanes(d));
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace attend {

double fma_peak(Isa isa) {
  const auto loop = ATTEND_CHOOSE_KERNEL(isa, multiply_and_add);
  if (loop == nullptr) return 0;
  volatile float zero = 0;
  double best = 0;
  for (int repeat = 0; repeat < 10; ++repeat) {
    float sink = zero;
    const auto start = std::chrono::steady_clock::now();
    const double operations = loop(100000, &sink);
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    zero = sink * 0;
    best = std::max(best, operations / elapsed.count());
  }
  return best;
}

}  // namespace attend
#endif
