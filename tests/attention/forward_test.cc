// Every forward kernel against the float64 reference, on every instruction set that this machine has.
#include <gtest/gtest.h>

#include <vector>

#include "attend/attention.h"
#include "attention/attention_case.h"
#include "attention/case_lists.h"

namespace attend {
namespace {

void expect_as_good_as_plain(const CaseSpec& spec) {
  const AttentionCase problem(spec);
  const ForwardAnswer exact = problem.exact_forward(), plain = problem.forward(Isa::kScalar);
  for (const Isa isa : isas()) {
    SCOPED_TRACE(::testing::Message() << name(isa) << ": " << spec);
    const ForwardAnswer actual = problem.forward(isa);
    EXPECT_TRUE(as_good_as_plain(actual.output, plain.output, exact.output, 2, largest(exact.output)));
    EXPECT_TRUE(as_good_as_plain(actual.lse, plain.lse, exact.lse, 2, largest(exact.lse)));
    EXPECT_TRUE(weights_as_good_as_plain(actual.weights, plain.weights, exact.weights));
    EXPECT_TRUE(weights_as_good_as_plain(actual.head_mean, plain.head_mean, exact.head_mean));
    EXPECT_TRUE(weights_as_good_as_plain(actual.column_sums, plain.column_sums, exact.column_sums));
  }
}

void expect_all_as_good_as_plain(const CaseList& cases) {
  for (const CaseSpec& spec : cases) expect_as_good_as_plain(spec);
}

TEST(AttentionForward, IsAsAccurateAsThePlainMethodAtAwkwardNumbersOfQueriesAndKeys) {
  expect_all_as_good_as_plain(awkward_numbers_of_queries_and_keys());
}

TEST(AttentionForward, IsAsAccurateAsThePlainMethodAtAwkwardWidths) {
  expect_all_as_good_as_plain(awkward_widths(19));
  expect_all_as_good_as_plain(awkward_widths(3));
}

TEST(AttentionForward, TakesTheWidestHeads) {
  expect_as_good_as_plain({.sizes = {1, 1, 1, 33, 65, 1024, 1024}});
  expect_as_good_as_plain({.sizes = {1, 1, 1, 2, 65, 1024, 1023}});
}

TEST(AttentionForward, TakesEveryNumberOfQueriesUpToTwoBlocks) {
  for (int64_t Tq = 1; Tq <= 195; ++Tq) expect_as_good_as_plain({.sizes = {1, 1, 1, Tq, 5, 4, 4}});
}

TEST(AttentionForward, TakesEveryNumberOfKeysUpToTwoTiles) {
  for (int64_t Tk = 1; Tk <= 130; ++Tk) {
    expect_as_good_as_plain({.sizes = {1, 1, 1, 18, Tk, 5, 6}});
    expect_as_good_as_plain({.sizes = {1, 1, 1, 1, Tk, 16, 16}});
  }
}

TEST(AttentionForward, FollowsStrides) {
  expect_all_as_good_as_plain(strided());
}

TEST(AttentionForward, SharesKeyHeadsAmongQueryHeads) {
  expect_all_as_good_as_plain(shared_key_heads());
}

TEST(AttentionForward, IsCausalFromEitherCorner) {
  expect_all_as_good_as_plain(causal_from_either_corner());
}

TEST(AttentionForward, LooksThroughWindowsFromAnyOffset) {
  expect_all_as_good_as_plain(windows_and_offsets());
}

TEST(AttentionForward, AddsBiasesOfEveryShape) {
  expect_all_as_good_as_plain(biased());
}

TEST(AttentionForward, FiniteBiasesAreNoMasks) {
  expect_all_as_good_as_plain(biased_to_the_ends());
}

TEST(AttentionForward, TheLeastHalfAsABiasCostsNoMoreThanItsRounding) {
  for (const CaseSpec& spec : biased_by_the_least_half()) {
    const AttentionCase problem(spec);
    const ForwardAnswer exact = problem.exact_forward(), plain = problem.forward(Isa::kScalar);
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message() << name(isa) << ": " << spec);
      const ForwardAnswer actual = problem.forward(isa);
      EXPECT_LE(typical_error(actual.output, exact.output), 2 * typical_error(plain.output, exact.output));
      EXPECT_LE(typical_error(actual.lse, exact.lse), 2 * typical_error(plain.lse, exact.lse));
      EXPECT_LE(typical_error(actual.weights, exact.weights),
                2 * typical_error(plain.weights, exact.weights));
    }
  }
}

TEST(AttentionForward, TakesDistancesOffAndCapsScores) {
  expect_all_as_good_as_plain(alibi_and_softcap());
}

TEST(AttentionForward, SharesWithSinksAndDropsWeights) {
  expect_all_as_good_as_plain(with_sinks_and_dropout());
}

TEST(AttentionForward, TurnsQueriesAndKeysByTheirPositions) {
  expect_all_as_good_as_plain(turned_by_positions());
}

TEST(AttentionForward, TurnsTheWidestRows) {
  for (const RopeLayout layout : {RopeLayout::kHalfSplit, RopeLayout::kInterleaved}) {
    for (const int64_t Tq : {2, 33}) {
      expect_as_good_as_plain({.sizes = {1, 1, 1, Tq, 65, 1024, 8}, .rope = {1024, layout}});
    }
  }
}

TEST(AttentionForward, CombinesAllOptions) {
  expect_all_as_good_as_plain(combined());
}

TEST(AttentionForward, RespectsLengthsAndMasks) {
  expect_all_as_good_as_plain(lengths_and_masks());
}

TEST(AttentionForward, KeepsItsAccuracyWhenScoresAreLarge) {
  for (const float magnitude : {0.01f, 10.0f, 100.0f, 1000.0f}) {
    for (const Sizes& sizes : {Sizes{2, 2, 2, 150, 200, 64, 4}, Sizes{75, 2, 2, 4, 200, 64, 4}}) {
      const AttentionCase problem({.sizes = sizes, .magnitude = magnitude});
      const ForwardAnswer exact = problem.exact_forward(), plain = problem.forward(Isa::kScalar);
      for (const Isa isa : isas()) {
        SCOPED_TRACE(::testing::Message() << name(isa) << " magnitude " << magnitude << " Tq " << sizes.Tq);
        const ForwardAnswer actual = problem.forward(isa);
        EXPECT_LE(typical_error(actual.output, exact.output), 2 * typical_error(plain.output, exact.output));
        EXPECT_LE(typical_error(actual.lse, exact.lse), 2 * typical_error(plain.lse, exact.lse));
        EXPECT_LE(typical_error(actual.weights, exact.weights),
                  2 * typical_error(plain.weights, exact.weights));
      }
    }
  }
}

TEST(AttentionForward, ManyKeysAreNoLessExactThanFew) {
  for (const int64_t Tq : {3, 70}) {
    AttentionCase problem({.sizes = {1, 1, 1, Tq, 16384, 4, 9}});
    problem.query.fill(0);  // a mean of numbers that are all alike
    problem.value.fill(0.1f);
    for (const Isa isa : isas()) {
      if (isa == Isa::kScalar) continue;  // the plain method: a sum of 16384 terms, 100 times as far off
      for (const double x : problem.forward(isa).output) ASSERT_NEAR(x, 0.1f, 0.1f * 0x1p-18) << name(isa);
    }
  }
}

TEST(AttentionForward, AppliesTheScaleThatItIsGiven) {
  const AttentionCase problem({.sizes = {1, 1, 1, 20, 30, 8, 8}});
  for (const Isa isa : isas()) {
    for (const float scale : {0.0f, -0.5f, 1.7f}) {
      PaddedTensor<float> output({1, 1, 20, 8}, Layout::kDense);
      PaddedTensor<double> exact({1, 1, 20, 8}, Layout::kDense);
      AttentionOptions options = problem.options(isa);
      options.scale = scale;
      ASSERT_TRUE(
          attention({problem.query.view(), problem.key.view(), problem.value.view(), output.view(), {}, {}},
                    options, serial_executor())
              .ok());
      options.isa = std::nullopt;
      const Operands<double> o = problem.in_doubles();
      ASSERT_TRUE(attention({o.query.view(), o.key.view(), o.value.view(), exact.view(), {}, {}}, options,
                            serial_executor())
                      .ok());
      const std::vector<float> got = output.elements();
      EXPECT_LT(largest_error({got.begin(), got.end()}, exact.elements()), 2e-6) << name(isa) << " " << scale;
    }
  }
}

TEST(AttentionForward, ANamedAlignmentHasTheBitsOfItsOffset) {
  for (const Isa isa : isas()) {
    const Sizes sizes = {2, 2, 1, 70, 130, 20, 12};
    const ForwardAnswer upper = AttentionCase({.sizes = sizes, .causal = Causal::kUpperLeft}).forward(isa);
    const ForwardAnswer zero =
        AttentionCase({.sizes = sizes, .causal = Causal::kQueryOffset, .offset = {0}}).forward(isa);
    EXPECT_EQ(upper.output, zero.output);
    const ForwardAnswer lower = AttentionCase({.sizes = sizes, .causal = Causal::kLowerRight}).forward(isa);
    const ForwardAnswer window =
        AttentionCase({.sizes = sizes, .window = {-1, 0}, .offset = {60, 60}}).forward(isa);
    EXPECT_EQ(lower.output, window.output);
  }
}

TEST(AttentionForward, TheNumberOfWorkersDoesNotChangeABit) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : {4, 300}) {
      const AttentionCase problem(
          {.sizes = {2, 4, 2, Tq, 150, 32, 32}, .causal = Causal::kLowerRight, .ragged = true});
      const ForwardAnswer one = problem.forward(isa);
      for (const int threads : {2, 3}) {
        const ForwardAnswer many = problem.forward(isa, *make_thread_executor(threads));
        EXPECT_EQ(many.output, one.output);
        EXPECT_EQ(many.lse, one.lse);
        EXPECT_EQ(many.weights, one.weights);
      }
    }
  }
}

TEST(AttentionForward, TheNumberOfWorkersDoesNotChangeABitOfAnyOption) {
  for (const Isa isa : isas()) {
    for (const CaseSpec& spec : combined()) {
      const AttentionCase problem(spec);
      const ForwardAnswer one = problem.forward(isa);
      const ForwardAnswer three = problem.forward(isa, *make_thread_executor(3));
      EXPECT_EQ(three.output, one.output);
      EXPECT_EQ(three.lse, one.lse);
      EXPECT_EQ(three.weights, one.weights);
      EXPECT_EQ(three.head_mean, one.head_mean);
      EXPECT_EQ(three.column_sums, one.column_sums);
    }
  }
}

TEST(AttentionForward, SummariesNeedNoWeightsAndHaveTheSameBitsWithoutThem) {
  for (const Isa isa : isas()) {
    const AttentionCase problem({.sizes = {2, 4, 2, 130, 300, 16, 8}, .causal = Causal::kLowerRight});
    const ForwardAnswer all = problem.forward(isa);
    PaddedTensor<float> output({2, 4, 130, 8}, Layout::kDense), head_mean({2, 1, 130, 300}, Layout::kDense),
        column_sums({2, 4, 1, 300}, Layout::kDense);
    AttentionTensors tensors = {
        problem.query.view(), problem.key.view(), problem.value.view(), output.view(), {}, {}};
    tensors.head_mean = head_mean.view();
    ASSERT_TRUE(attention(tensors, problem.options(isa), serial_executor()).ok());
    tensors.head_mean = {};
    tensors.column_sums = column_sums.view();
    ASSERT_TRUE(attention(tensors, problem.options(isa), serial_executor()).ok());
    const std::vector<float> mean = head_mean.elements(), sums = column_sums.elements();
    EXPECT_EQ(std::vector<double>(mean.begin(), mean.end()), all.head_mean) << name(isa);
    EXPECT_EQ(std::vector<double>(sums.begin(), sums.end()), all.column_sums) << name(isa);
  }
}

TEST(AttentionForward, SumsOverNoQueriesAreZero) {
  for (const Isa isa : isas()) {
    const ForwardAnswer answer = AttentionCase({.sizes = {2, 2, 1, 0, 9, 8, 5}}).forward(isa);
    EXPECT_EQ(answer.column_sums, std::vector<double>(2 * 2 * 9, 0.0)) << name(isa);
  }
}

TEST(AttentionForward, TheRestOfTheBatchDoesNotChangeABit) {
  for (const Isa isa : isas()) {
    const CaseSpec spec = {.sizes = {3, 2, 2, 50, 70, 16, 16}};
    AttentionCase problem(spec);
    const ForwardAnswer before = problem.forward(isa);
    for (int64_t t = 0; t < 70; ++t) problem.key.at(0, 0, t, 0) = 1e6f;
    const ForwardAnswer after = problem.forward(isa);
    const size_t row = 2 * 50 * 16;
    EXPECT_TRUE(std::equal(before.output.begin() + row, before.output.end(), after.output.begin() + row));
  }
}

TEST(AttentionForward, WeightsSumToOne) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : {3, 70}) {  // few, and more than a panel
      const ForwardAnswer answer = AttentionCase({.sizes = {1, 1, 1, Tq, 100, 32, 8}}).forward(isa);
      for (int64_t i = 0; i < Tq; ++i) {
        double sum = 0;
        for (int64_t j = 0; j < 100; ++j) sum += answer.weights[static_cast<size_t>(i * 100 + j)];
        EXPECT_NEAR(sum, 1, 1e-6);
      }
    }
  }
}

}  // namespace
}  // namespace attend
