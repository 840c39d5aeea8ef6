#include "training/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace attend {

double Schedule::rate(int64_t step) const {
  if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup);
  if (fall == Fall::kInverseSquareRoot) {
    const double top = static_cast<double>(std::max<int64_t>(warmup, 1));
    return peak * std::sqrt(top / (static_cast<double>(step) + 1));
  }
  const int64_t length = std::max<int64_t>(steps - warmup, 1);
  const double progress = std::min(1.0, static_cast<double>(step - warmup) / static_cast<double>(length));
  return floor + (peak - floor) * 0.5 * (1.0 + std::cos(std::numbers::pi * progress));
}

}  // namespace attend
