#include "decode/decode_bound.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "decode/float_rows.h"

namespace attend {
namespace {

constexpr double kUnit = 0x1p-24;

double norm(const std::vector<double>& row) {
  return std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
}

struct Largest {
  double query = 0, key = 0;  // of the norms of rows
  double value = 0;           // of the numbers
};

Largest largest_of(const CacheCase& problem) {
  Largest largest;
  const TensorView query = problem.query();
  std::vector<float> row(static_cast<size_t>(problem.spec.D));
  for (int64_t b = 0; b < problem.B(); ++b) {
    for (int64_t h = 0; h < problem.spec.Hq; ++h) {
      for (int64_t i = 0; i < problem.spec.Tq; ++i) {
        read_floats(row_of(query, b, h, i), query.dtype, problem.spec.D, row.data());
        largest.query = std::max(largest.query, norm({row.begin(), row.end()}));
      }
    }
  }
  for (size_t s = 0; s < problem.lengths.size(); ++s) {
    for (int64_t j = 0; j < problem.lengths[s] * problem.spec.Hkv; ++j) {
      const auto sequence = static_cast<int64_t>(s), head = j % problem.spec.Hkv,
                 token = j / problem.spec.Hkv;
      largest.key = std::max(largest.key, norm(problem.key(sequence, head, token)));
      for (const double x : problem.value(sequence, head, token))
        largest.value = std::max(largest.value, std::abs(x));
    }
  }
  return largest;
}

/// The largest finite magnitude among dense numbers, or 0 when they are absent.
double largest_of(const TensorView& numbers) {
  double largest = 0;
  const auto* x = static_cast<const float*>(numbers.data);
  for (int64_t i = 0; numbers.present() && i < numbers.shape[0] * numbers.shape[1]; ++i)
    largest = std::max(largest, std::isfinite(x[i]) ? std::abs(static_cast<double>(x[i])) : 0);
  return largest;
}

/// What one rounding to the type moves a number by.
double rounding(double x, DType dtype) {
  if (dtype == DType::kBFloat16) return 0x1p-8 * std::abs(x);
  return dtype == DType::kFloat16 ? 0x1p-11 * std::abs(x) + 0x1p-24 : 0;
}

}  // namespace

DecodeAnswer decode_bound(const CacheCase& problem, const DecodeOptions& options, const DecodeAnswer& exact) {
  const Largest largest = largest_of(problem);
  const double scale = std::abs(options.scale ? static_cast<double>(*options.scale)
                                              : 1 / std::sqrt(static_cast<double>(problem.spec.D)));
  const auto longest = static_cast<double>(*std::max_element(problem.lengths.begin(), problem.lengths.end()));
  double others = 1;
  others = std::max(others, largest_of(options.alibi_slopes) * 2 * longest);
  others = std::max(others, largest_of(options.sinks));
  for (const double lse : exact.lse) others = std::max(others, std::isfinite(lse) ? std::abs(lse) : 0);
  const double score =
      kUnit * ((static_cast<double>(problem.spec.D) + 8) * scale * largest.query * largest.key + 16 * others);
  const double rate = std::expm1(2 * score + kUnit * (4 * longest + 64));
  DecodeAnswer bound;
  for (const double x : exact.output)
    bound.output.push_back(rate * largest.value + rounding(x, problem.spec.query));
  for (const double x : exact.lse)
    bound.lse.push_back(score + kUnit * (longest + 8 + 2 * (std::isfinite(x) ? std::abs(x) : 0)));
  return bound;
}

}  // namespace attend
