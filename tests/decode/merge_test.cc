// Attention over two sets of keys, merged, is attention over all of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "attend/decode.h"
#include "base/idle_executor.h"
#include "base/random.h"
#include "decode/answers.h"
#include "decode/cache_case.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct Part {
  std::vector<float> output, lse;
};

constexpr Shape kOutput = {2, 4, 1, 24}, kLse = {2, 4, 1, 1};

MutableTensorView output_of(Part& p) {
  return {p.output.data(), kOutput};
}
MutableTensorView lse_of(Part& p) {
  return {p.lse.data(), kLse};
}

Part empty_part() {
  return {std::vector<float>(2 * 4 * 24), std::vector<float>(2 * 4)};
}

/// The keys [first, length) of every sequence, by a window; and those before, by lengths.
Part attend_part(const CacheCase& problem, const std::vector<int64_t>& lengths, int64_t window_left,
                 const TensorView& sinks = {}) {
  Part part = empty_part();
  KvView cache = problem.cache();
  cache.lengths = lengths;
  DecodeOptions options;
  options.window.left = window_left;
  options.sinks = sinks;
  const Status status =
      attention_decode({problem.query(), cache, output_of(part), lse_of(part)}, options, serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
  return part;
}

Part merged(Part& a, Part& b) {
  Part out = empty_part();
  const Status status = merge(
      {{output_of(a), lse_of(a)}, {output_of(b), lse_of(b)}, output_of(out), lse_of(out)}, serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
  return out;
}

std::vector<double> doubles(const std::vector<float>& x) {
  return {x.begin(), x.end()};
}

TEST(Merge, PartsAtTheLeastFiniteNumberShareAlikeAndYieldToOthers) {
  constexpr float kLeast = std::numeric_limits<float>::lowest();
  const auto part = [](float output, float lse) {
    return Part{std::vector<float>(2 * 4 * 24, output), std::vector<float>(2 * 4, lse)};
  };
  Part low = part(1, kLeast), lower = part(3, kLeast), other = part(5, -2);
  EXPECT_EQ(merged(low, lower).output, part(2, 0).output);
  EXPECT_EQ(merged(low, lower).lse, part(0, kLeast).lse);
  EXPECT_EQ(merged(low, other).output, other.output);
  EXPECT_EQ(merged(other, lower).lse, other.lse);
}

TEST(Merge, OfASplitAnywhereIsTheWhole) {
  const CacheCase problem({.Hq = 4, .Hkv = 2, .D = 16, .Dv = 24, .lengths = {90, 90}});
  const DecodeAnswer exact = problem.exact({}), plain = problem.decode({.isa = Isa::kScalar});
  for (int64_t split = 0; split <= 90; ++split) {
    Part before = attend_part(problem, {split, split}, -1);
    Part after = split < 90 ? attend_part(problem, {90, 90}, 89 - split) : attend_part(problem, {0, 0}, -1);
    for (const bool swapped : {false, true}) {
      const Part whole = swapped ? merged(after, before) : merged(before, after);
      EXPECT_TRUE(as_good_as(plain.output, doubles(whole.output), exact.output)) << split;
      EXPECT_TRUE(as_good_as(plain.lse, doubles(whole.lse), exact.lse)) << split;
    }
  }
}

TEST(Merge, WithAPartThatSawNoKeyGivesTheOtherBitByBit) {
  const CacheCase problem({.Hq = 4, .Hkv = 2, .D = 16, .Dv = 24, .lengths = {9, 70}});
  Part some = attend_part(problem, {9, 70}, -1), none = empty_part();
  std::fill(none.output.begin(), none.output.end(), NAN);  // not looked at
  std::fill(none.lse.begin(), none.lse.end(), -kInfinity);
  for (const Part& whole : {merged(some, none), merged(none, some)}) {
    EXPECT_EQ(whole.output, some.output);
    EXPECT_EQ(whole.lse, some.lse);
  }
  const Part nothing = merged(none, none);
  EXPECT_EQ(nothing.output, std::vector<float>(none.output.size(), 0.0f));
  EXPECT_EQ(nothing.lse, none.lse);
}

TEST(Merge, ASinkCountsInThePartThatItIsGivenTo) {
  const CacheCase problem({.Hq = 4, .Hkv = 2, .D = 16, .Dv = 24, .lengths = {90, 90}});
  const std::vector<float> numbers = {1.5f, 0, -1, 3};
  const TensorView sinks(numbers.data(), Shape{1, 4, 1, 1});
  Part whole = attend_part(problem, {90, 90}, -1, sinks);
  Part before = attend_part(problem, {40, 40}, -1), after = attend_part(problem, {90, 90}, 49, sinks);
  const Part joined = merged(before, after);
  for (size_t i = 0; i < whole.output.size(); ++i) EXPECT_NEAR(joined.output[i], whole.output[i], 1e-5);
  for (size_t i = 0; i < whole.lse.size(); ++i) EXPECT_NEAR(joined.lse[i], whole.lse[i], 1e-5);

  // Or it is given to neither and added afterwards.
  before = attend_part(problem, {40, 40}, -1);
  after = attend_part(problem, {90, 90}, 49);
  const Part without = merged(before, after);
  for (size_t row = 0; row < whole.lse.size(); ++row) {
    const float lse = without.lse[row], sink = numbers[row % 4];
    EXPECT_NEAR(std::log(std::exp(lse) + std::exp(sink)), whole.lse[row], 1e-5);
    for (size_t d = 0; d < 24; ++d) {
      const float output = without.output[row * 24 + d] / (1 + std::exp(sink - lse));
      EXPECT_NEAR(output, whole.output[row * 24 + d], 1e-5);
    }
  }
}

TEST(Merge, ASinkIsLeftOutWithAPartThatSawNoKey) {
  const CacheCase problem({.Hq = 4, .Hkv = 2, .D = 16, .Dv = 24, .lengths = {90, 90}});
  const std::vector<float> numbers = {1.5f, 0, -1, 3};
  Part some = attend_part(problem, {90, 90}, -1),
       none = attend_part(problem, {0, 0}, -1, {numbers.data(), Shape{1, 4, 1, 1}});
  EXPECT_EQ(none.lse, std::vector<float>(8, -kInfinity));
  const Part joined = merged(some, none);
  EXPECT_EQ(joined.output, some.output);
  EXPECT_EQ(joined.lse, some.lse);
}

TEST(Merge, WorksInPlaceAndIsTheSameForAnyNumberOfWorkers) {
  const CacheCase problem({.Hq = 4, .Hkv = 2, .D = 16, .Dv = 24, .lengths = {90, 90}});
  Part a = attend_part(problem, {40, 40}, -1), b = attend_part(problem, {90, 90}, 49);
  const Part whole = merged(a, b);
  const std::unique_ptr<Executor> executor = make_thread_executor(3);
  ASSERT_TRUE(
      merge({{output_of(a), lse_of(a)}, {output_of(b), lse_of(b)}, output_of(a), lse_of(a)}, *executor).ok());
  EXPECT_EQ(a.output, whole.output);
  EXPECT_EQ(a.lse, whole.lse);
}

TEST(Merge, TakesEveryFloatType) {
  const double first[] = {1, 2}, second[] = {3, -2};
  double first_lse = std::log(3.0), second_lse = 0, output[2], lse;
  const Shape row = {1, 1, 1, 2}, one = {1, 1, 1, 1};
  ASSERT_TRUE(merge({{{first, row}, {&first_lse, one}},
                     {{second, row}, {&second_lse, one}},
                     {output, row},
                     {&lse, one}},
                    serial_executor())
                  .ok());
  EXPECT_DOUBLE_EQ(output[0], 1.5);
  EXPECT_DOUBLE_EQ(output[1], 1.0);
  EXPECT_DOUBLE_EQ(lse, std::log(4.0));

  const float a_lse = std::log(3.0f), b_lse = 0;
  for (const DType dtype : {DType::kBFloat16, DType::kFloat16}) {
    const uint16_t one_and_two[] = {static_cast<uint16_t>(dtype == DType::kFloat16 ? 0x3c00 : 0x3f80),
                                    static_cast<uint16_t>(dtype == DType::kFloat16 ? 0x4000 : 0x4000)};
    uint16_t out[2];
    const TensorView view = {one_and_two, dtype, row, dense_strides(row)};
    ASSERT_TRUE(
        merge({{view, {&a_lse, one}}, {view, {&b_lse, one}}, {out, dtype, row, dense_strides(row)}, {}},
              serial_executor())
            .ok());
    EXPECT_EQ(out[0], one_and_two[0]);  // a weighted mean of equal numbers
    EXPECT_EQ(out[1], one_and_two[1]);
  }
}

TEST(Merge, LetsNanThrough) {
  Part a = empty_part(), b = empty_part();
  std::fill(a.lse.begin(), a.lse.end(), NAN);
  std::fill(b.lse.begin(), b.lse.end(), -kInfinity);
  for (const Part& whole : {merged(a, b), merged(b, a)}) {
    for (const float x : whole.output) EXPECT_TRUE(std::isnan(x));
    for (const float x : whole.lse) EXPECT_TRUE(std::isnan(x));
  }
}

TEST(Merge, WithoutRowsEndsAtOnce) {
  constexpr int64_t kEndless = int64_t{1} << 40;
  float number = 0;
  for (const int64_t heads : {int64_t{1}, kEndless}) {
    const MutableTensorView none(&number, DType::kFloat32, {kEndless, heads, 0, 1}, {0, 0, 1, 1});
    const Status status = merge({{none, none}, {none, none}, none, none}, serial_executor());
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

TEST(Merge, OfRowsWithoutNumbersIsTheirLse) {
  float first = 0, second = 0, lse = 42;
  const MutableTensorView none(&first, DType::kFloat32, {1, 1, 1, 0}, {0, 0, 0, 1});
  const Shape one = {1, 1, 1, 1};
  ASSERT_TRUE(
      merge({{none, {&first, one}}, {none, {&second, one}}, none, {&lse, one}}, serial_executor()).ok());
  EXPECT_FLOAT_EQ(lse, std::log(2.0f));
}

TEST(Merge, RefusesAnExecutorWithoutWorkers) {
  Part a = empty_part(), b = empty_part(), out = empty_part();
  IdleExecutor executor(0);
  EXPECT_EQ(
      merge({{output_of(a), lse_of(a)}, {output_of(b), lse_of(b)}, output_of(out), lse_of(out)}, executor)
          .message(),
      "executor has 0 workers, but must have at least 1");
}

TEST(Merge, RefusesPartsThatDoNotFit) {
  Part a = empty_part(), b = empty_part(), out = empty_part();
  const MergeTensors good = {
      {output_of(a), lse_of(a)}, {output_of(b), lse_of(b)}, output_of(out), lse_of(out)};
  ASSERT_TRUE(merge(good, serial_executor()).ok());
  const auto refused = [&](auto&& spoil) {
    MergeTensors tensors = good;
    spoil(tensors);
    std::fill(out.output.begin(), out.output.end(), 42.0f);
    const std::string message = merge(tensors, serial_executor()).message();
    EXPECT_EQ(out.output, std::vector<float>(out.output.size(), 42.0f)) << message;
    return message;
  };
  EXPECT_THAT(refused([](auto& t) { t.second.output.shape[2] = 2; }),
              HasSubstr("second output axis T is 2, but output axis T is 1"));
  EXPECT_THAT(refused([](auto& t) { t.first.lse.shape[1] = 3; }),
              HasSubstr("first lse axis H is 3, but output axis H is 4"));
  EXPECT_THAT(refused([](auto& t) { t.first.lse.dtype = DType::kFloat64; }),
              HasSubstr("first lse is float64, but must be float32"));
  EXPECT_THAT(refused([](auto& t) { t.second.output.dtype = DType::kFloat16; }),
              HasSubstr("second output is float16, but output is float32"));
  EXPECT_THAT(refused([](auto& t) { t.second.lse.data = nullptr; }),
              HasSubstr("second lse is a null pointer"));
  EXPECT_THAT(refused([](auto& t) { t.lse.data = nullptr; }), HasSubstr("lse is a null pointer"));
  EXPECT_THAT(refused([](auto& t) {
                t.output.data = static_cast<float*>(t.output.data) + 1;
                t.first.output = t.output;
                t.first.output.data = static_cast<const float*>(t.output.data) - 1;
              }),
              HasSubstr("output overlaps first output"));
  EXPECT_THAT(refused([](auto& t) { t.output.dtype = DType::kInt8; }),
              HasSubstr("output is int8, but must be float32, float64, bfloat16 or float16"));
}

}  // namespace
}  // namespace attend
