// Scores in units of log 2, in which every exponential is a power of two: x log2(e), but that no finite
// number becomes infinite.
//
// 3.4e38 log2(e) is beyond the largest float32, and a bias of -3.4e38 is not to become -inf, which masks. So
// from 2^104 on the factor is 1: x + (log2(e) - 1) 2^104, which rises with x as before, and near the largest
// number is x itself. Of two different scores out there one is nothing beside the other in either unit.
#ifndef ATTEND_ATTENTION_LOG2_UNITS_H_
#define ATTEND_ATTENTION_LOG2_UNITS_H_

#include <algorithm>
#include <numbers>

namespace attend {

inline constexpr double kFarScore = 0x1p104;

inline float to_log2_units(float x) {
  const double near = std::clamp(double{x}, -kFarScore, kFarScore);
  return static_cast<float>(x + (std::numbers::log2e - 1) * near);
}

inline double from_log2_units(float x) {
  constexpr double kFar = kFarScore * std::numbers::log2e;
  return x - (1 - std::numbers::ln2) * std::clamp(double{x}, -kFar, kFar);
}

}  // namespace attend

#endif  // ATTEND_ATTENTION_LOG2_UNITS_H_
