// How answers are compared.
#ifndef ATTEND_TESTS_DECODE_ANSWERS_H_
#define ATTEND_TESTS_DECODE_ANSWERS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace attend {

/// The largest |actual - exact|; infinite when a NaN or an infinity differs.
inline double largest_difference(const std::vector<double>& actual, const std::vector<double>& exact) {
  double largest = actual.size() == exact.size() ? 0 : std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < std::min(actual.size(), exact.size()); ++i) {
    if (actual[i] == exact[i]) continue;
    const double error = std::abs(actual[i] - exact[i]);
    largest = std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(largest, error);
  }
  return largest;
}

/// The root of the mean square of actual - exact, for regimes in which the largest error is that of a few
/// near-ties, and says more about luck than about the method.
inline double typical_difference(const std::vector<double>& actual, const std::vector<double>& exact) {
  if (!std::isfinite(largest_difference(actual, exact))) return std::numeric_limits<double>::infinity();
  double sum = 0;
  for (size_t i = 0; i < exact.size(); ++i) {
    if (actual[i] != exact[i]) sum += (actual[i] - exact[i]) * (actual[i] - exact[i]);
  }
  return std::sqrt(sum / static_cast<double>(std::max<size_t>(exact.size(), 1)));
}

/// Whether the error is at most twice that of the plain float32 loops, plus a few units in the last place of
/// the largest number, for problems so small that the plain method happens to be exact.
inline ::testing::AssertionResult as_good_as(const std::vector<double>& plain,
                                             const std::vector<double>& made,
                                             const std::vector<double>& exact) {
  double magnitude = 1;
  for (const double x : exact) magnitude = std::isfinite(x) ? std::max(magnitude, std::abs(x)) : magnitude;
  const double error = largest_difference(made, exact), bound = largest_difference(plain, exact),
               allowed = 2 * bound + 4 * 0x1p-24 * magnitude;
  if (error <= allowed) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure()
         << "error " << error << ", plain float32 " << bound << ", allowed " << allowed;
}

}  // namespace attend

#endif  // ATTEND_TESTS_DECODE_ANSWERS_H_
