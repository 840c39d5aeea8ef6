// What the options of attention_decode() do, against float64 loops, on every instruction set.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "attend/decode.h"
#include "decode/answers.h"
#include "decode/cache_case.h"
#include "decode/expect_right.h"

namespace attend {
namespace {

CacheSpec spec_of(DType stored, int64_t Tq = 3) {
  return {.Hq = 6,
          .Hkv = 2,
          .Tq = Tq,
          .D = 20,
          .Dv = 24,
          .lengths = {600, 2, 140},
          .page_size = 9,
          .stored = stored};
}

TEST(DecodeOptions, ScaleMultipliesScores) {
  for (const DType stored : kStored) {
    for (const float scale : {0.0f, 1.0f, -0.5f}) expect_right(spec_of(stored), {.scale = scale});
  }
}

TEST(DecodeOptions, AWindowEndsWhereItSays) {
  for (const DType stored : kStored) {
    for (const int64_t window : {0, 1, 7, 63, 64, 100, 511, 512, 599, 5000}) {
      expect_right(spec_of(stored), {.window = {window, -1}});
    }
  }
}

TEST(DecodeOptions, QueriesMayStandElsewhereOrSeeEverything) {
  for (const Causal causal : {Causal::kNone, Causal::kUpperLeft}) {
    for (const int64_t window : {-1, 1}) {
      expect_right(spec_of(DType::kFloat32), {.causal = causal, .window = {window, -1}});
    }
  }
}

TEST(DecodeOptions, SoftcapAlibiAndSinksFollowTheContract) {
  const std::vector<float> slope_of_head = {0.5f, 0.25f, 0.125f, 0, 1, -0.01f},
                           sink_of_head = {0, 1, -1, 3, -std::numeric_limits<float>::infinity(), 60};
  const TensorView slopes(slope_of_head.data(), Shape{1, 6, 1, 1}),
      sinks(sink_of_head.data(), Shape{1, 6, 1, 1});
  for (const DType stored : kStored) {
    expect_right(spec_of(stored), {.softcap = 2});
    expect_right(spec_of(stored), {.softcap = 50});
    expect_right(spec_of(stored), {.alibi_slopes = slopes});
    expect_right(spec_of(stored), {.sinks = sinks});
    expect_right(spec_of(stored), {.window = {33, 2}, .alibi_slopes = slopes, .softcap = 3, .sinks = sinks});
    expect_right(spec_of(stored), {.causal = Causal::kNone, .alibi_slopes = slopes, .softcap = 3});
  }
}

TEST(DecodeOptions, TheLargestFloatIsASinkASoftcapOrASlopeLikeAnother) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  const TensorView largest(&kLargest, Shape{1, 1, 1, 1});
  for (const DType stored : kStored) {
    expect_right(spec_of(stored), {.softcap = kLargest});
    expect_right(spec_of(stored), {.sinks = largest});
    expect_right(spec_of(stored), {.alibi_slopes = largest});
  }
}

TEST(DecodeOptions, AScaleAndASoftcapFarApartAreComputedByTheReference) {
  const DecodeOptions options = {.scale = 1e9f, .softcap = 1e-30f};
  for (const DType stored : kStored) {
    const CacheCase problem(spec_of(stored));
    const DecodeAnswer made = problem.decode(options), exact = problem.exact(options);
    for (size_t i = 0; i < exact.output.size(); ++i) ASSERT_NEAR(made.output[i], exact.output[i], 1e-5);
    for (size_t i = 0; i < exact.lse.size(); ++i) {
      if (std::isfinite(exact.lse[i])) {
        ASSERT_NEAR(made.lse[i], exact.lse[i], 1e-5);
      } else {
        ASSERT_EQ(made.lse[i], exact.lse[i]);
      }
    }
  }
}

TEST(DecodeOptions, AWindowHasARightSideWhereNothingIsCausal) {
  for (const int64_t left : {-1, 0, 70}) {
    for (const int64_t right : {0, 1, 2, 100}) {
      // Query 0 stands two keys before the end.
      expect_right(spec_of(DType::kFloat32), {.causal = Causal::kNone, .window = {left, right}});
      expect_right(spec_of(DType::kFloat32), {.window = {left, right}});
    }
  }
}

TEST(DecodeOptions, SlopesMayDifferByBatchRowAndOneSinkMayServeAllHeads) {
  std::vector<float> slopes(3 * 6);
  for (size_t i = 0; i < slopes.size(); ++i) slopes[i] = 0.01f * static_cast<float>(i);
  const float sink = 1.5f;
  expect_right(spec_of(DType::kFloat32), {.alibi_slopes = {slopes.data(), Shape{3, 6, 1, 1}}});
  expect_right(spec_of(DType::kFloat32),
               {.alibi_slopes = {slopes.data(), Shape{3, 1, 1, 1}, Shape{6, 1, 1, 1}}});
  expect_right(spec_of(DType::kFloat32), {.sinks = {&sink, Shape{1, 1, 1, 1}}});
}

TEST(DecodeOptions, EachRowOfABatchMayHaveItsOwnNumberOfQueries) {
  for (const DType stored : kStored) {
    for (const std::vector<int64_t>& counts : {std::vector<int64_t>{3, 0, 1}, {0, 2, 5}, {0, 0, 0}}) {
      expect_right(spec_of(stored, 5), {.query_counts = counts});
    }
  }
}

TEST(DecodeOptions, PaddingQueriesAreNotRead) {
  CacheCase problem({.Hq = 2, .Hkv = 1, .Tq = 3, .lengths = {40}});
  TensorView query = problem.query();
  std::vector<float> numbers(2 * 3 * 8), output(2 * 3 * 8), lse(2 * 3);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = i / 8 % 3 < 2 ? 0.5f : NAN;
  const std::vector<int64_t> counts = {2};
  for (const Isa isa : isas()) {
    std::fill(output.begin(), output.end(), NAN);
    const Status status = attention_decode({{numbers.data(), query.shape},
                                            problem.cache(),
                                            {output.data(), Shape{1, 2, 3, 8}},
                                            {lse.data(), Shape{1, 2, 3, 1}}},
                                           {.query_counts = counts, .isa = isa}, serial_executor());
    ASSERT_TRUE(status.ok()) << status.message();
    for (size_t i = 0; i < output.size(); ++i) {
      if (i / 8 % 3 < 2) {
        EXPECT_TRUE(std::isfinite(output[i]));
      } else {
        EXPECT_EQ(output[i], 0);
      }
    }
    EXPECT_EQ(lse[2], -std::numeric_limits<float>::infinity());
  }
}

TEST(DecodeOptions, ABatchMayNameSomeOfTheSequencesEvenTwice) {
  CacheCase problem({.Hq = 4, .Hkv = 2, .Tq = 2, .D = 16, .Dv = 16, .lengths = {70, 3, 515}, .page_size = 8});
  problem.sequences = {2, 0, 2};
  const DecodeAnswer exact = problem.exact({}), plain = problem.decode({.isa = Isa::kScalar});
  for (const Isa isa : isas()) {
    EXPECT_TRUE(as_good_as(plain.output, problem.decode({.isa = isa}).output, exact.output)) << name(isa);
  }
}

TEST(DecodeOptions, PagesLeftOfAWindowMayBeGone) {
  CacheCase problem({.lengths = {100}, .page_size = 10});
  const DecodeOptions options = {.window = {15, -1}};
  const DecodeAnswer before = problem.decode(options);
  for (size_t page = 0; page < 8; ++page) problem.table[page] = -1;  // token 84 is the first that is seen
  EXPECT_EQ(problem.decode(options).output, before.output);
}

}  // namespace
}  // namespace attend
