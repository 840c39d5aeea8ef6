// bfloat16 and float16 operands: the numbers of float32 with one rounding, on every instruction set.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "attend/attention.h"
#include "attention/attention_case.h"
#include "attention/case_lists.h"
#include "attention/narrow_case.h"

namespace attend {
namespace {

constexpr DType kTypes[] = {DType::kBFloat16, DType::kFloat16};

/// Where bfloat16 products are taken two at a time, scores are sums of the same numbers in another order, and
/// weights are rounded to bfloat16, by 2^-9 at most, before they meet the values; then the output is.
void expect_rounded_weights(const AttentionCase& problem, const ForwardAnswer& actual,
                            const ForwardAnswer& exact) {
  const ForwardAnswer plain = problem.forward(Isa::kScalar);
  EXPECT_TRUE(as_good_as_plain(actual.lse, plain.lse, exact.lse, 2, largest(exact.lse)));
  EXPECT_TRUE(as_good_as_plain(actual.weights, plain.weights, exact.weights, 4, 1));
  EXPECT_TRUE(as_good_as_plain(actual.head_mean, plain.head_mean, exact.head_mean, 4, 1));
  const std::vector<float> values = problem.value.elements();
  const float most = std::abs(*std::max_element(values.begin(), values.end(),
                                                [](float a, float b) { return std::abs(a) < std::abs(b); }));
  EXPECT_LE(largest_error(actual.output, exact.output),
            0x1p-8 * 1.01 * static_cast<double>(most) / (1 - static_cast<double>(problem.spec().dropout)));
}

/// Widening is exact and sums are float32, so all is as in a float32 call on the same numbers, to the bit,
/// and the output is rounded once.
void expect_one_rounding(const CaseSpec& spec) {
  for (const DType dtype : kTypes) {
    AttentionCase problem(spec);
    round_operands(problem, dtype);
    const ForwardAnswer exact = problem.exact_forward(), plain = forward_in(problem, dtype, Isa::kScalar);
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message()
                   << name(isa) << (dtype == DType::kFloat16 ? " half: " : " bfloat16: ") << spec);
      const ForwardAnswer actual = forward_in(problem, dtype, isa);
      if (isa == Isa::kAvx512Bf16 && dtype == DType::kBFloat16) {
        expect_rounded_weights(problem, actual, exact);
        continue;
      }
      const ForwardAnswer wide = rounded_once(problem.forward(isa), dtype);
      EXPECT_EQ(actual.output, wide.output);
      EXPECT_EQ(actual.lse, wide.lse);
      EXPECT_EQ(actual.weights, wide.weights);
      EXPECT_EQ(actual.head_mean, wide.head_mean);
      EXPECT_EQ(actual.column_sums, wide.column_sums);
      EXPECT_TRUE(as_good_as_plain(actual.output, plain.output, exact.output, 2, largest(exact.output)));
    }
  }
}

TEST(AttentionInSixteenBits, RoundsOnceAtAwkwardSizes) {
  for (const int64_t T : kAwkward) {
    expect_one_rounding({.sizes = {1, 2, 1, T, 70, 17, 9}});
    expect_one_rounding({.sizes = {1, 2, 2, 2, T, 9, 17}});
    expect_one_rounding({.sizes = {1, 1, 1, 19, 70, T, 5}});
    expect_one_rounding({.sizes = {1, 1, 1, 3, 70, 5, T}});
  }
}

TEST(AttentionInSixteenBits, WhatIsNotFiniteStaysSo) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (const DType dtype : kTypes) {
    for (const int64_t Tq : {3, 70}) {
      AttentionCase problem({.sizes = {1, 1, 1, Tq, 70, 16, 16}});
      problem.value.at(0, 0, 7, 5) = std::numeric_limits<float>::infinity();
      problem.value.at(0, 0, 9, 6) = std::numeric_limits<float>::quiet_NaN();
      round_operands(problem, dtype);
      for (const Isa isa : isas()) {
        SCOPED_TRACE(::testing::Message()
                     << name(isa) << (dtype == DType::kFloat16 ? " half " : " bfloat16 ") << Tq);
        const ForwardAnswer answer = forward_in(problem, dtype, isa);
        for (size_t i = 0; i < static_cast<size_t>(Tq); ++i) {
          ASSERT_EQ(answer.output[16 * i + 5], kInfinity);
          ASSERT_TRUE(std::isnan(answer.output[16 * i + 6]));
          ASSERT_TRUE(std::isfinite(answer.output[16 * i + 7]));
        }
      }
    }
  }
}

TEST(AttentionInSixteenBits, TurnsQueriesAndKeys) {
  for (const CaseSpec& spec : turned_by_positions()) {
    if (spec.sizes.Tq < 200) expect_one_rounding(spec);
  }
}

TEST(AttentionInSixteenBits, LooksThroughWindowsAsFloat32DoesThoughItsBlocksAreLarger) {
  expect_one_rounding(
      {.sizes = {1, 1, 1, 127, 257, 17, 64}, .causal = Causal::kLowerRight, .window = {222, 26}});
  expect_one_rounding({.sizes = {1, 2, 1, 400, 430, 16, 16}, .window = {70, 11}});
}

TEST(AttentionInSixteenBits, TakesEveryOption) {
  for (const CaseSpec& spec : combined()) expect_one_rounding(spec);
}

TEST(AttentionInSixteenBits, FiniteBiasesAreNoMasks) {
  for (const CaseSpec& spec : biased_to_the_ends()) expect_one_rounding(spec);
}

TEST(AttentionInSixteenBits, AMaskedNanNeverReachesTheOutput) {
  for (const Isa isa : isas()) {
    for (const DType dtype : kTypes) {
      for (const int64_t Tq : {3, 70}) {
        AttentionCase problem(
            {.sizes = {2, 2, 2, Tq, 90, 20, 12}, .ragged = true, .mask = MaskKind::kKeysOnly});
        round_operands(problem, dtype);
        const ForwardAnswer clean = forward_in(problem, dtype, isa);
        for (int64_t b = 0; b < 2; ++b) {
          for (int64_t j = 0; j < 90; ++j) {
            if (problem.sees(b, 0, 0, j)) continue;
            for (int64_t h = 0; h < 2; ++h) {
              problem.key.at(b, h, j, 3) = std::nanf("");
              problem.value.at(b, h, j, 11) = std::numeric_limits<float>::infinity();
            }
          }
        }
        const ForwardAnswer poisoned = forward_in(problem, dtype, isa);
        EXPECT_EQ(poisoned.lse, clean.lse);
        EXPECT_EQ(poisoned.weights, clean.weights);
        // One step of bfloat16 where the sums' order tips a rounding; two where weights were rounded too,
        // which they are not where a masked value is not finite.
        EXPECT_LE(largest_error(poisoned.output, clean.output), 0x1p-7 * largest(clean.output));
      }
    }
  }
}

TEST(AttentionInSixteenBits, TheNumberOfWorkersDoesNotChangeABit) {
  for (const Isa isa : isas()) {
    for (const DType dtype : kTypes) {
      const AttentionCase problem({.sizes = {2, 4, 2, 210, 150, 32, 32}, .causal = Causal::kLowerRight});
      const ForwardAnswer one = forward_in(problem, dtype, isa);
      const ForwardAnswer three = forward_in(problem, dtype, isa, *make_thread_executor(3));
      EXPECT_EQ(three.output, one.output);
      EXPECT_EQ(three.column_sums, one.column_sums);
    }
  }
}

TEST(AttentionInSixteenBits, TheLargestHalfComesBackWhole) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : {3, 70}) {
      AttentionCase problem({.sizes = {1, 1, 1, Tq, 3, 4, 2}});
      problem.query.fill(0);
      problem.value.fill(65504);
      const std::vector<double> output = forward_in(problem, DType::kFloat16, isa).output;
      EXPECT_EQ(output, std::vector<double>(static_cast<size_t>(2 * Tq), 65504.0)) << name(isa);
    }
  }
}

}  // namespace
}  // namespace attend
