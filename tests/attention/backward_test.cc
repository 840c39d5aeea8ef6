// The backward kernels against the float64 reference, on every instruction set that this machine has. The
// reference itself is held against finite differences in reference_test.cc.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "attend/attention.h"
#include "attention/attention_case.h"
#include "attention/case_lists.h"

namespace attend {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

void expect_as_good_as_plain(const CaseSpec& spec) {
  const AttentionCase problem(spec);
  const BackwardAnswer exact = problem.exact_backward(), plain = problem.backward(Isa::kScalar);
  const AttentionCase::Magnitudes magnitude = problem.gradient_magnitudes();
  for (const Isa isa : isas()) {
    SCOPED_TRACE(::testing::Message() << name(isa) << ": " << spec);
    const BackwardAnswer actual = problem.backward(isa);
    EXPECT_TRUE(as_good_as_plain(actual.query, plain.query, exact.query, 3, magnitude.query));
    EXPECT_TRUE(as_good_as_plain(actual.key, plain.key, exact.key, 3, magnitude.key));
    EXPECT_TRUE(as_good_as_plain(actual.value, plain.value, exact.value, 3, magnitude.value));
    EXPECT_TRUE(as_good_as_plain(actual.bias, plain.bias, exact.bias, 3, magnitude.bias));
    EXPECT_TRUE(as_good_as_plain(actual.sinks, plain.sinks, exact.sinks, 3, magnitude.sinks));
  }
}

void expect_all_as_good_as_plain(const CaseList& cases) {
  for (const CaseSpec& spec : cases) expect_as_good_as_plain(spec);
}

TEST(AttentionBackward, IsAsAccurateAsThePlainMethodAtAwkwardNumbersOfQueriesAndKeys) {
  expect_all_as_good_as_plain(awkward_numbers_of_queries_and_keys());
}

TEST(AttentionBackward, IsAsAccurateAsThePlainMethodAtAwkwardWidths) {
  expect_all_as_good_as_plain(awkward_widths(19));
}

TEST(AttentionBackward, TakesTheWidestHeads) {
  expect_as_good_as_plain({.sizes = {1, 1, 1, 33, 65, 1024, 1023}});
}

TEST(AttentionBackward, MeetsEveryPairOfBlocksOnce) {
  for (const int64_t Tq : {383, 385, 1000}) {
    for (const int64_t Tk : {255, 257, 800}) {
      expect_as_good_as_plain({.sizes = {1, 2, 1, Tq, Tk, 8, 8}});
      expect_as_good_as_plain({.sizes = {1, 1, 1, Tq, Tk, 8, 8}, .causal = Causal::kUpperLeft});
    }
  }
}

TEST(AttentionBackward, FollowsStrides) {
  expect_all_as_good_as_plain(strided());
}

TEST(AttentionBackward, SumsKeyGradientsOverTheQueryHeadsThatShareThem) {
  expect_all_as_good_as_plain(shared_key_heads());
}

TEST(AttentionBackward, IsCausalFromEitherCorner) {
  expect_all_as_good_as_plain(causal_from_either_corner());
}

TEST(AttentionBackward, LooksThroughWindowsFromAnyOffset) {
  expect_all_as_good_as_plain(windows_and_offsets());
}

TEST(AttentionBackward, AddsBiasesOfEveryShape) {
  expect_all_as_good_as_plain(biased());
}

TEST(AttentionBackward, FiniteBiasesAreNoMasks) {
  expect_all_as_good_as_plain(biased_to_the_ends());
}

TEST(AttentionBackward, TheLeastHalfAsABiasCostsNoMoreThanItsRounding) {
  for (const CaseSpec& spec : biased_by_the_least_half()) {
    const AttentionCase problem(spec);
    const BackwardAnswer exact = problem.exact_backward(), plain = problem.backward(Isa::kScalar);
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message() << name(isa) << ": " << spec);
      const BackwardAnswer actual = problem.backward(isa);
      EXPECT_LE(typical_error(actual.query, exact.query), 3 * typical_error(plain.query, exact.query));
      EXPECT_LE(typical_error(actual.key, exact.key), 3 * typical_error(plain.key, exact.key));
      EXPECT_LE(typical_error(actual.value, exact.value), 3 * typical_error(plain.value, exact.value));
      EXPECT_LE(typical_error(actual.bias, exact.bias), 3 * typical_error(plain.bias, exact.bias));
    }
  }
}

TEST(AttentionBackward, TakesDistancesOffAndCapsScores) {
  expect_all_as_good_as_plain(alibi_and_softcap());
}

TEST(AttentionBackward, SharesWithSinksAndDropsWeights) {
  expect_all_as_good_as_plain(with_sinks_and_dropout());
}

TEST(AttentionBackward, TurnsGradientsBack) {
  expect_all_as_good_as_plain(turned_by_positions());
}

TEST(AttentionBackward, CombinesAllOptions) {
  expect_all_as_good_as_plain(combined());
}

TEST(AttentionBackward, RespectsLengthsAndMasks) {
  expect_all_as_good_as_plain(lengths_and_masks());
}

TEST(AttentionBackward, KeepsItsAccuracyWhenScoresAreLarge) {
  for (const float magnitude : {0.01f, 10.0f, 100.0f}) {
    expect_as_good_as_plain({.sizes = {2, 2, 2, 150, 300, 64, 16}, .magnitude = magnitude});
  }
}

TEST(AttentionBackward, ManyQueriesAreNoLessExactThanFew) {
  AttentionCase problem({.sizes = {1, 1, 1, 16384, 1, 4, 9}});
  problem.output_gradient.fill(0.1f);
  for (const Isa isa : isas()) {
    if (isa == Isa::kScalar) continue;  // the plain method: one sum of 16384 terms
    for (const double x : problem.backward(isa).value) {
      ASSERT_NEAR(x, 16384 * double{0.1f}, 16384 * 0.1f * 0x1p-18) << name(isa);
    }
  }
}

TEST(AttentionBackward, WithoutKeysOrQueriesTheGradientsAreZero) {
  for (const Isa isa : isas()) {
    const BackwardAnswer no_keys = AttentionCase({.sizes = {2, 2, 1, 20, 0, 8, 5}}).backward(isa);
    EXPECT_EQ(no_keys.query, std::vector<double>(2 * 2 * 20 * 8, 0.0));
    const BackwardAnswer no_queries = AttentionCase({.sizes = {2, 2, 1, 0, 300, 8, 5}}).backward(isa);
    EXPECT_EQ(no_queries.key, std::vector<double>(2 * 300 * 8, 0.0));
    EXPECT_EQ(no_queries.value, std::vector<double>(2 * 300 * 5, 0.0));
  }
}

TEST(AttentionBackward, AQueryWithASingleKeyGivesItsScoreNoGradientAtAll) {
  for (const Isa isa : isas()) {
    const BackwardAnswer answer = AttentionCase({.sizes = {1, 2, 2, 40, 1, 16, 70}}).backward(isa);
    EXPECT_EQ(largest(answer.query), 0) << name(isa);
    EXPECT_EQ(largest(answer.key), 0) << name(isa);
  }
}

TEST(AttentionBackward, AQueryThatSeesNoKeyHasAndGivesNoGradient) {
  for (const Isa isa : isas()) {
    AttentionCase problem({.sizes = {1, 1, 1, 70, 66, 8, 8}, .mask = MaskKind::kOneRowAllMasked});
    const BackwardAnswer clean = problem.backward(isa);
    for (size_t d = 0; d < 8; ++d) EXPECT_EQ(clean.query[35 * 8 + d], 0);
    for (int64_t d = 0; d < 8; ++d) {
      problem.query.at(0, 0, 35, d) = kNan;
      problem.output_gradient.at(0, 0, 35, d) = kNan;
    }
    const BackwardAnswer poisoned = problem.backward(isa);
    EXPECT_LE(largest_error(poisoned.query, clean.query), 1e-5) << name(isa);
    EXPECT_LE(largest_error(poisoned.key, clean.key), 1e-5) << name(isa);
    EXPECT_LE(largest_error(poisoned.value, clean.value), 1e-5) << name(isa);
  }
}

TEST(AttentionBackward, AMaskedNanNeverReachesAGradient) {
  for (const Isa isa : isas()) {
    for (const float poison : {kNan, std::numeric_limits<float>::infinity()}) {
      SCOPED_TRACE(::testing::Message() << name(isa) << " poison " << poison);
      AttentionCase problem(
          {.sizes = {2, 2, 2, 70, 90, 20, 12}, .ragged = true, .mask = MaskKind::kKeysOnly});
      const BackwardAnswer clean = problem.backward(isa);
      problem.poison_unseen_keys(poison);
      const BackwardAnswer poisoned = problem.backward(isa);
      EXPECT_LE(largest_error(poisoned.query, clean.query), 1e-5);
      EXPECT_LE(largest_error(poisoned.key, clean.key), 1e-5);
      EXPECT_LE(largest_error(poisoned.value, clean.value), 1e-5);
    }
  }
}

TEST(AttentionBackward, AMaskedNanIsNotTurnedIntoAGradient) {
  for (const Isa isa : isas()) {
    for (const RopeLayout layout : {RopeLayout::kHalfSplit, RopeLayout::kInterleaved}) {
      AttentionCase problem({.sizes = {2, 2, 2, 70, 90, 20, 12},
                             .ragged = true,
                             .mask = MaskKind::kKeysOnly,
                             .rope = {18, layout, true}});
      const BackwardAnswer clean = problem.backward(isa);
      problem.poison_unseen_keys(kNan);
      const BackwardAnswer poisoned = problem.backward(isa);
      EXPECT_LE(largest_error(poisoned.query, clean.query), 1e-5) << name(isa);
      EXPECT_LE(largest_error(poisoned.key, clean.key), 1e-5) << name(isa);
      EXPECT_LE(largest_error(poisoned.value, clean.value), 1e-5) << name(isa);
    }
  }
}

TEST(AttentionBackward, ANanBehindABiasOfMinusInfinityNeverReachesAGradient) {
  for (const Isa isa : isas()) {
    for (const float softcap : {0.0f, 5.0f}) {
      SCOPED_TRACE(::testing::Message() << name(isa) << " softcap " << softcap);
      AttentionCase problem({.sizes = {2, 2, 2, 70, 90, 20, 12},
                             .bias = BiasKind::kKeys,
                             .alibi = true,
                             .softcap = softcap,
                             .sinks = true,
                             .dropout = 0.1f});
      const BackwardAnswer clean = problem.backward(isa);
      problem.poison_unseen_keys(kNan);
      const BackwardAnswer poisoned = problem.backward(isa);
      EXPECT_LE(largest_error(poisoned.query, clean.query), 1e-5);
      EXPECT_LE(largest_error(poisoned.key, clean.key), 1e-5);
      EXPECT_LE(largest_error(poisoned.value, clean.value), 1e-5);
      EXPECT_LE(largest_error(poisoned.bias, clean.bias), 1e-5);
      EXPECT_LE(largest_error(poisoned.sinks, clean.sinks), 1e-5);
    }
  }
}

TEST(AttentionBackward, AQueryThatSeesNoKeyGivesBiasAndSinksNoGradient) {
  for (const Isa isa : isas()) {
    AttentionCase problem({.sizes = {1, 1, 1, 70, 66, 8, 8},
                           .mask = MaskKind::kOneRowAllMasked,
                           .bias = BiasKind::kFull,
                           .sinks = true});
    const BackwardAnswer clean = problem.backward(isa);
    for (int64_t d = 0; d < 8; ++d) problem.output_gradient.at(0, 0, 35, d) = kNan;
    const BackwardAnswer poisoned = problem.backward(isa);
    EXPECT_LE(largest_error(poisoned.bias, clean.bias), 1e-5) << name(isa);
    EXPECT_LE(largest_error(poisoned.sinks, clean.sinks), 1e-5) << name(isa);
    for (size_t j = 0; j < 66; ++j) EXPECT_EQ(clean.bias[35 * 66 + j], 0);
  }
}

TEST(AttentionBackward, ANanThatSomeQueriesSeeReachesOnlyTheirGradients) {
  for (const Isa isa : isas()) {
    AttentionCase problem({.sizes = {1, 1, 1, 70, 70, 8, 8}, .causal = Causal::kUpperLeft});
    const BackwardAnswer clean = problem.backward(isa);
    for (int64_t d = 0; d < 8; ++d) problem.key.at(0, 0, 35, d) = kNan;
    const BackwardAnswer poisoned = problem.backward(isa);
    for (size_t i = 0; i < 35; ++i)
      EXPECT_NEAR(poisoned.query[i * 8], clean.query[i * 8], 1e-5) << name(isa) << i;
    for (size_t i = 35; i < 70; ++i) EXPECT_TRUE(std::isnan(poisoned.query[i * 8])) << name(isa) << i;
  }
}

TEST(AttentionBackward, ANanGradientOfAnOutputReachesOnlyTheKeysThatItsQuerySees) {
  for (const Isa isa : isas()) {
    for (const int64_t query : {0, 5, 23, 24, 30, 47, 48, 69}) {
      AttentionCase problem({.sizes = {1, 1, 1, 70, 70, 8, 8}, .causal = Causal::kUpperLeft});
      const BackwardAnswer clean = problem.backward(isa);
      for (int64_t d = 0; d < 8; ++d) problem.output_gradient.at(0, 0, query, d) = kNan;
      const BackwardAnswer poisoned = problem.backward(isa);
      const auto reached = static_cast<size_t>(query);
      for (size_t j = 0; j < 70; ++j) {
        SCOPED_TRACE(::testing::Message() << name(isa) << " query " << query << " key " << j);
        if (j <= reached) {
          EXPECT_TRUE(std::isnan(poisoned.value[j * 8]) && std::isnan(poisoned.key[j * 8]));
        } else {
          EXPECT_NEAR(poisoned.value[j * 8], clean.value[j * 8], 1e-5);
          EXPECT_NEAR(poisoned.key[j * 8], clean.key[j * 8], 1e-5);
        }
      }
    }
  }
}

TEST(AttentionBackward, TheNumberOfWorkersDoesNotChangeABit) {
  for (const Isa isa : isas()) {
    const AttentionCase problem(
        {.sizes = {2, 4, 2, 500, 600, 16, 16}, .causal = Causal::kLowerRight, .ragged = true});
    const BackwardAnswer one = problem.backward(isa);
    for (const int threads : {2, 3}) {
      const BackwardAnswer many = problem.backward(isa, *make_thread_executor(threads));
      EXPECT_EQ(many.query, one.query);
      EXPECT_EQ(many.key, one.key);
      EXPECT_EQ(many.value, one.value);
    }
  }
}

TEST(AttentionBackward, TheNumberOfWorkersDoesNotChangeABitOfAnyOption) {
  for (const Isa isa : isas()) {
    for (const CaseSpec& spec : combined()) {
      const AttentionCase problem(spec);
      const BackwardAnswer one = problem.backward(isa);
      const BackwardAnswer three = problem.backward(isa, *make_thread_executor(3));
      EXPECT_EQ(three.query, one.query);
      EXPECT_EQ(three.key, one.key);
      EXPECT_EQ(three.value, one.value);
      EXPECT_EQ(three.bias, one.bias);
      EXPECT_EQ(three.sinks, one.sinks);
    }
  }
}

TEST(AttentionBackward, WithoutKeysOrQueriesBiasAndSinksHaveNoGradient) {
  for (const Isa isa : isas()) {
    for (const Sizes& sizes :
         {Sizes{2, 2, 1, 20, 0, 8, 5}, Sizes{2, 2, 1, 0, 30, 8, 5}, Sizes{0, 2, 1, 20, 30, 8, 5}}) {
      const BackwardAnswer answer =
          AttentionCase({.sizes = sizes, .bias = BiasKind::kOneNumber, .sinks = true}).backward(isa);
      EXPECT_EQ(answer.bias, std::vector<double>(1, 0.0)) << name(isa);
      EXPECT_EQ(answer.sinks, std::vector<double>(2, 0.0)) << name(isa);
    }
  }
}

}  // namespace
}  // namespace attend
