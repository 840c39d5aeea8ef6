// Which weights dropout keeps, as a random function: its rate, and what it must not depend on.
#include "attention/dropout.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>

#include "attention/attention_case.h"

namespace attend {
namespace {

HeadDropout dropout_of(float rate, uint64_t seed, int64_t b = 0, int64_t h = 0) {
  AttentionOptions options;
  options.dropout = rate;
  options.seed = seed;
  return DropoutPolicy(options).head(b, h);
}

constexpr int64_t kSide = 500;

/// The share of pairs (i, j) of a square for which `holds`.
double share(const std::function<bool(int64_t, int64_t)>& holds) {
  int64_t count = 0;
  for (int64_t i = 0; i < kSide; ++i) {
    for (int64_t j = 0; j < kSide; ++j) count += holds(i, j);
  }
  return static_cast<double>(count) / (kSide * kSide);
}

/// Five standard deviations of the share of 250,000 coins that show heads with probability p.
double noise(double p) {
  return 5 * std::sqrt(p * (1 - p)) / kSide;
}

TEST(Dropout, KeepsAllButItsRate) {
  for (const float rate : {0.0f, 0.01f, 0.1f, 0.5f, 0.9f, 0.999f}) {
    const HeadDropout dropout = dropout_of(rate, 7);
    const double kept = share([&](int64_t i, int64_t j) { return dropout.keeps(i, j); });
    EXPECT_NEAR(kept, 1 - static_cast<double>(rate), noise(static_cast<double>(rate)) + 1e-9) << rate;
  }
}

TEST(Dropout, SeedsBatchRowsHeadsQueriesAndKeysAreIndependent) {
  // Independent coins agree half of the time.
  const HeadDropout dropout = dropout_of(0.5f, 7);
  const auto agreement = [&](const HeadDropout& other, int64_t di, int64_t dj) {
    return share([&](int64_t i, int64_t j) { return dropout.keeps(i, j) == other.keeps(i + di, j + dj); });
  };
  EXPECT_NEAR(agreement(dropout_of(0.5f, 8), 0, 0), 0.5, noise(0.5));
  EXPECT_NEAR(agreement(dropout_of(0.5f, 7, 1, 0), 0, 0), 0.5, noise(0.5));
  EXPECT_NEAR(agreement(dropout_of(0.5f, 7, 0, 1), 0, 0), 0.5, noise(0.5));
  for (const auto& [di, dj] : {std::pair{0, 1}, {1, 0}, {1, 1}, {1, -1}, {0, 64}, {96, 0}, {7, 13}}) {
    EXPECT_NEAR(agreement(dropout, di, dj), 0.5, noise(0.5)) << di << " " << dj;
  }
  const auto transposed =
      share([&](int64_t i, int64_t j) { return dropout.keeps(i, j) == dropout.keeps(j, i); });
  EXPECT_NEAR(transposed, 0.5, noise(0.5));
}

TEST(Dropout, RowsAndColumnsKeepTheirShares) {
  const HeadDropout dropout = dropout_of(0.5f, 3);
  for (int64_t line = 0; line < 40; ++line) {
    int64_t row = 0, column = 0;
    for (int64_t t = 0; t < 10000; ++t) {
      row += dropout.keeps(line, t);
      column += dropout.keeps(t, line);
    }
    EXPECT_NEAR(static_cast<double>(row), 5000, 250) << line;
    EXPECT_NEAR(static_cast<double>(column), 5000, 250) << line;
  }
}

TEST(Dropout, ARowOfABatchDropsTheSameAloneOrInACrowdOfQueriesAndKeys) {
  // The first batch row, its first queries and keys, of a larger problem of the same numbers: values of 1
  // make the output the sum of what is kept.
  for (const Isa isa : isas()) {
    const auto sums = [isa](int64_t B, int64_t Tq) {
      AttentionCase problem({.sizes = {B, 2, 2, Tq, 150, 8, 1}, .dropout = 0.4f});
      problem.query.fill(0);
      problem.value.fill(1);
      return problem.forward(isa).output;
    };
    const std::vector<double> small = sums(1, 3), large = sums(2, 200);
    for (size_t i = 0; i < 3; ++i) EXPECT_NEAR(small[i], large[i], 1e-6) << name(isa) << " query " << i;
    EXPECT_NE(large[0], large[1]);
  }
}

}  // namespace
}  // namespace attend
