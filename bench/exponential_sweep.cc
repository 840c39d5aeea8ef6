#include "exponential_sweep.h"

#include "attention/targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "exponential_sweep.cc"
#include "hwy/foreach_target.h"
// The Highway headers must come after foreach_target.h.
#include <algorithm>
#include <bit>
#include <cmath>

#include "attention/vector-inl.h"
#include "hwy/highway.h"

#if ATTEND_VECTOR_TARGET
HWY_BEFORE_NAMESPACE();
namespace attend {
namespace HWY_NAMESPACE {

/// `count` is a multiple of any vector's lanes.
void exp2_of_all(const float* x, float* y, int64_t count) {
  for (int64_t i = 0; i < count; i += kLanes) store(exp2(load(x + i)), y + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace attend
HWY_AFTER_NAMESPACE();
#endif

#if HWY_ONCE
namespace attend {
namespace {

using Kernel = void (*)(const float*, float*, int64_t);

constexpr int64_t kChunk = 4096, kChunks = (int64_t{1} << 32) / kChunk;

void judge(const float* x, const double* exact, const float* y, ExponentialError& error) {
  for (int64_t i = 0; i < kChunk; ++i) {
    if (x[i] > 127) continue;  // kernels raise 2 to nothing above 0, but for rounding
    if (x[i] >= -126) {
      ++error.inputs;
      const double relative = std::abs(static_cast<double>(y[i]) - exact[i]) / exact[i];
      if (relative <= error.relative) continue;
      error.relative = relative;
      error.at = x[i];
    } else {
      ++error.others;
      error.mistakes += std::isnan(x[i]) ? !std::isnan(y[i]) : y[i] != 0;
    }
  }
}

void join(const ExponentialError& part, ExponentialError& whole) {
  whole.inputs += part.inputs;
  whole.others += part.others;
  whole.mistakes += part.mistakes;
  if (part.relative <= whole.relative) return;
  whole.relative = part.relative;
  whole.at = part.at;
}

}  // namespace

std::vector<ExponentialError> sweep_exponential(Executor& executor) {
  std::vector<ExponentialError> fresh;
  std::vector<Kernel> kernels;
  for (const Isa isa : isas()) {
    const Kernel kernel = ATTEND_CHOOSE_KERNEL(isa, exp2_of_all);
    if (kernel == nullptr) continue;
    fresh.push_back({.isa = isa});
    kernels.push_back(kernel);
  }
  std::vector<std::vector<ExponentialError>> parts(static_cast<size_t>(executor.workers()), fresh);
  executor.for_each(kChunks, [&](int64_t chunk, int worker) {
    float x[kChunk], y[kChunk];
    double exact[kChunk];
    for (int64_t i = 0; i < kChunk; ++i) {
      x[i] = std::bit_cast<float>(static_cast<uint32_t>(chunk * kChunk + i));
      exact[i] = x[i] >= -126 && x[i] <= 127 ? std::exp2(static_cast<double>(x[i])) : 0;
    }
    for (size_t k = 0; k < kernels.size(); ++k) {
      kernels[k](x, y, kChunk);
      judge(x, exact, y, parts[static_cast<size_t>(worker)][k]);
    }
  });
  std::vector<ExponentialError> whole = fresh;
  for (const std::vector<ExponentialError>& part : parts) {
    for (size_t k = 0; k < whole.size(); ++k) join(part[k], whole[k]);
  }
  return whole;
}

}  // namespace attend
#endif
