// Rotary position embedding as an operation of its own, and its tables.
#include "attend/rope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "attention/attention_case.h"
#include "base/half.h"
#include "base/idle_executor.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

constexpr RopeLayout kLayouts[] = {RopeLayout::kHalfSplit, RopeLayout::kInterleaved};

/// Tables for 16 positions of a given width.
template <class T>
struct Tables {
  explicit Tables(int64_t width, const RopeTableOptions& options = {})
      : cos({1, 1, 16, width / 2}, Layout::kGaps), sin(cos) {
    const Status status = rope_table(options, {cos.view(), sin.view()});
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(cos.disturbed_gaps() + sin.disturbed_gaps(), 0);
  }
  Rope rope(RopeLayout layout) const { return {layout, cos.view(), sin.view()}; }

  PaddedTensor<T> cos, sin;
};

TEST(RopeTable, HasTheCosinesAndSinesOfEachPairsFrequency) {
  const Tables<double> tables(6);
  for (int64_t p = 0; p < 16; ++p) {
    for (int64_t r = 0; r < 3; ++r) {
      const double angle = static_cast<double>(p) * std::pow(10000.0, -static_cast<double>(r) / 3);
      EXPECT_NEAR(tables.cos.at(0, 0, p, r), std::cos(angle), 1e-15);
      EXPECT_NEAR(tables.sin.at(0, 0, p, r), std::sin(angle), 1e-15);
    }
  }
}

TEST(RopeTable, ScalesPositionsAndMagnitudesAndTakesFrequenciesOfTheCallersOwn) {
  const std::vector<double> frequencies = {0.5, -2};
  const Tables<double> tables(4, {.position_scale = 0.25, .frequencies = frequencies, .magnitude = 1.5});
  EXPECT_NEAR(tables.cos.at(0, 0, 12, 0), 1.5 * std::cos(1.5), 1e-15);
  EXPECT_NEAR(tables.sin.at(0, 0, 12, 1), 1.5 * std::sin(-6.0), 1e-15);
  const Tables<double> other(4, {.base = 16});
  EXPECT_NEAR(other.sin.at(0, 0, 3, 1), std::sin(0.75), 1e-15);
}

TEST(RopeTable, IsRoundedOnce) {
  const Tables<double> exact(128);
  const Tables<float> rounded(128);
  const std::vector<double> numbers = exact.sin.elements();
  EXPECT_EQ(rounded.sin.elements(), std::vector<float>(numbers.begin(), numbers.end()));
}

/// Row by row from the formula of rope.h.
std::vector<double> by_formula(const PaddedTensor<float>& x, const Tables<float>& tables, RopeLayout layout,
                               const std::vector<int64_t>& positions, bool transposed) {
  PaddedTensor<double> y = x.as<double>();
  const Shape& n = x.shape();
  const int64_t pairs = tables.cos.shape()[3];
  for (int64_t row = 0; row < n[0] * n[1] * n[2]; ++row) {
    const int64_t b = row / n[2] / n[1], h = row / n[2] % n[1], t = row % n[2];
    const int64_t p = positions.empty() ? t : positions[static_cast<size_t>(b * n[2] + t)];
    for (int64_t r = 0; r < pairs; ++r) {
      const int64_t a = layout == RopeLayout::kHalfSplit ? r : 2 * r,
                    c = layout == RopeLayout::kHalfSplit ? r + pairs : 2 * r + 1;
      const double cos = tables.cos.at(0, 0, p, r), sin = (transposed ? -1 : 1) * tables.sin.at(0, 0, p, r);
      y.at(b, h, t, a) = x.at(b, h, t, a) * cos - x.at(b, h, t, c) * sin;
      y.at(b, h, t, c) = x.at(b, h, t, c) * cos + x.at(b, h, t, a) * sin;
    }
  }
  return y.elements();
}

TEST(Rope, TurnsPairsByTheAnglesOfTheirPositions) {
  const std::vector<int64_t> positions = {3, 0, 15, 7, 7, 1, 2, 9, 11, 15};
  for (const RopeLayout layout : kLayouts) {
    for (const int64_t width : {2, 6, 16, 40, 64}) {
      for (const bool transposed : {false, true}) {
        for (const Layout memory : {Layout::kDense, Layout::kTimeMajor, Layout::kGaps}) {
          PaddedTensor<float> x({2, 3, 5, 65}, memory), y(x.shape(), memory);
          x.fill_normal(RandomKey(static_cast<uint64_t>(width)));
          const Tables<float> tables(width);
          const PaddedTensor<float>& input = x;
          const RopeOptions options = {tables.rope(layout), positions, transposed};
          const auto executor = make_thread_executor(2);
          ASSERT_TRUE(rope({input.view(), y.view()}, options, *executor).ok());
          const std::vector<float> made = y.elements();
          EXPECT_LE(
              largest_error({made.begin(), made.end()}, by_formula(x, tables, layout, positions, transposed)),
              2e-6);
          EXPECT_EQ(y.disturbed_gaps(), 0);
          ASSERT_TRUE(rope({input.view(), x.view()}, options, serial_executor()).ok());  // in place
          EXPECT_EQ(x.elements(), made);
        }
      }
    }
  }
}

TEST(Rope, StandsRowsOneAfterTheOtherUnlessToldAndSharesPositionsBetweenBatchRows) {
  PaddedTensor<float> x({3, 2, 5, 9}, Layout::kDense), y = x, shared = x;
  x.fill_normal(RandomKey(1));
  const Tables<float> tables(8);
  const PaddedTensor<float>& input = x;
  RopeOptions options = {tables.rope(RopeLayout::kInterleaved)};
  ASSERT_TRUE(rope({input.view(), y.view()}, options, serial_executor()).ok());
  const std::vector<float> made = y.elements();
  EXPECT_LE(
      largest_error({made.begin(), made.end()}, by_formula(x, tables, RopeLayout::kInterleaved, {}, false)),
      2e-6);
  const std::vector<int64_t> positions = {0, 1, 2, 3, 4};
  options.positions = positions;
  ASSERT_TRUE(rope({input.view(), shared.view()}, options, serial_executor()).ok());
  EXPECT_EQ(shared.elements(), made);
}

TEST(Rope, TheTransposeTurnsBack) {
  for (const RopeLayout layout : kLayouts) {
    PaddedTensor<double> x({1, 2, 16, 12}, Layout::kDense);
    x.fill_normal(RandomKey(2));
    const std::vector<double> before = x.elements();
    const Tables<double> tables(10);
    const PaddedTensor<double>& input = x;
    const RopeTensors tensors = {input.view(), x.view()};
    ASSERT_TRUE(rope(tensors, {tables.rope(layout)}, serial_executor()).ok());
    EXPECT_GT(largest_error(x.elements(), before), 0.1);
    ASSERT_TRUE(rope(tensors, {tables.rope(layout), {}, true}, serial_executor()).ok());
    EXPECT_LE(largest_error(x.elements(), before), 1e-14);
  }
}

TEST(Rope, RoundsSixteenBitRowsOnce) {
  for (const DType dtype : {DType::kBFloat16, DType::kFloat16}) {
    const auto narrow = dtype == DType::kFloat16 ? float_to_half : float_to_bfloat16;
    const auto widen = dtype == DType::kFloat16 ? half_to_float : bfloat16_to_float;
    std::vector<uint16_t> bits(3 * 20);
    std::vector<float> wide(bits.size());
    for (size_t i = 0; i < bits.size(); ++i) {
      bits[i] = narrow(static_cast<float>(RandomKey(3).normal(i)));
      wide[i] = widen(bits[i]);
    }
    const Shape shape = {1, 1, 3, 20};
    const Tables<float> tables(18);
    const MutableTensorView stored(bits.data(), dtype, shape, dense_strides(shape));
    ASSERT_TRUE(rope({stored, stored}, {tables.rope(RopeLayout::kHalfSplit)}, serial_executor()).ok());
    const MutableTensorView view(wide.data(), shape);
    ASSERT_TRUE(rope({view, view}, {tables.rope(RopeLayout::kHalfSplit)}, serial_executor()).ok());
    std::vector<uint16_t> rounded(wide.size());
    std::transform(wide.begin(), wide.end(), rounded.begin(), narrow);
    EXPECT_EQ(bits, rounded);
  }
}

/// A valid call, to be spoiled in one place at a time.
struct Call {
  std::vector<float> input = std::vector<float>(2 * 3 * 5 * 8, 1.0f), output = std::vector<float>(240, 42.0f),
                     tables = std::vector<float>(200, 0.5f);
  std::vector<int64_t> positions;
  RopeTensors tensors = {{input.data(), Shape{2, 3, 5, 8}}, {output.data(), Shape{2, 3, 5, 8}}};
  RopeOptions options = {
      {RopeLayout::kHalfSplit, {tables.data(), Shape{1, 1, 6, 4}}, {tables.data() + 100, Shape{1, 1, 6, 4}}}};
};

void expect_refused(const std::function<void(Call&)>& spoil, const std::string& message,
                    StatusCode code = StatusCode::kInvalidArgument) {
  Call call;
  spoil(call);
  call.options.positions = call.positions;
  const Status status = rope(call.tensors, call.options, serial_executor());
  EXPECT_EQ(status.code(), code) << message;
  EXPECT_THAT(status.message(), HasSubstr(message));
  EXPECT_EQ(std::count(call.output.begin(), call.output.end(), 42.0f), 240) << message;
}

TEST(Rope, RefusesAnExecutorWithoutWorkers) {
  Call call;
  IdleExecutor executor(0);
  EXPECT_EQ(rope(call.tensors, call.options, executor).message(),
            "executor has 0 workers, but must have at least 1");
}

TEST(Rope, RefusesWhatDoesNotFit) {
  expect_refused([](Call& c) { c.tensors.input.dtype = c.tensors.output.dtype = DType::kInt8; },
                 "input is int8, but must be", StatusCode::kUnsupported);
  expect_refused([](Call& c) { c.tensors.output.dtype = DType::kFloat64; },
                 "output is float64, but input is float32");
  expect_refused([](Call& c) { c.tensors.output.shape[2] = 4; }, "output axis T is 4, but input axis T is 5");
  expect_refused([](Call& c) { c.tensors.input.shape[3] = 0; }, "input axis D is 0, but must be in 1..1024");
  expect_refused([](Call& c) { c.tensors.input.stride[3] = 2; }, "input axis D has stride 2");
  expect_refused([](Call& c) { c.tensors.input.data = nullptr; }, "input is a null pointer");
  expect_refused([](Call& c) { c.tensors.output.stride[0] = 0; }, "output is written, but its strides");
  expect_refused([](Call& c) { c.tensors.input.data = c.output.data() + 8; },
                 "output overlaps input in memory");
  expect_refused([](Call& c) { c.options.rope.cos.data = c.output.data(); },
                 "output overlaps rope.cos in memory");
  expect_refused(
      [](Call& c) {
        c.positions = std::vector<int64_t>(10, 1);
        c.tensors.input = {c.input.data(), Shape{2, 1, 5, 2}};
        c.tensors.output = {reinterpret_cast<float*>(c.positions.data()), Shape{2, 1, 5, 2}};
        c.options.rope.cos.shape[3] = c.options.rope.sin.shape[3] = 1;
      },
      "output overlaps positions in memory");
  expect_refused([](Call& c) { c.options.rope = {}; }, "rope.cos is a null pointer");
  expect_refused([](Call& c) { c.options.rope.sin = {}; }, "rope.sin is a null pointer");
  expect_refused([](Call& c) { c.options.rope.cos.dtype = DType::kFloat16; },
                 "rope.cos is float16, but must be float32");
  expect_refused([](Call& c) { c.options.rope.sin.shape[0] = 2; }, "rope.sin axis 0 is 2, but must be 1");
  expect_refused([](Call& c) { c.options.rope.cos.shape[3] = 0; },
                 "rope.cos axis R/2 is 0, but must be at least 1");
  expect_refused([](Call& c) { c.options.rope.sin.shape[3] = 3; },
                 "rope.sin axis R/2 is 3, but rope.cos axis R/2 is 4");
  expect_refused([](Call& c) { c.options.rope.sin.shape[2] = 7; },
                 "rope.sin axis P is 7, but rope.cos axis P is 6");
  expect_refused([](Call& c) { c.options.rope.cos.shape[3] = c.options.rope.sin.shape[3] = 5; },
                 "rope.cos axis R/2 is 5, of two features each, but input axis D is 8");
  expect_refused([](Call& c) { c.options.rope.cos.stride[3] = 2; }, "rope.cos axis R/2 has stride 2");
  expect_refused([](Call& c) { c.options.rope.layout = static_cast<RopeLayout>(7); }, "rope.layout is 7");
}

TEST(Rope, RefusesPositionsWithoutARowInTheTables) {
  expect_refused([](Call& c) { c.options.rope.cos.shape[2] = c.options.rope.sin.shape[2] = 4; },
                 "row 4 of batch row 0 has position 4, but rope.cos axis P is 4");
  expect_refused([](Call& c) { c.positions = {0, 1, 2, 3, 4, 5, 0, 0, 6, 0}; },
                 "row 3 of batch row 1 has position 6, but rope.cos axis P is 6");
  expect_refused(
      [](Call& c) {
        c.positions = {0, 1, -3, 3, 4};
      },
      "row 2 of batch row 0 has position -3, but positions begin at 0");
  expect_refused(
      [](Call& c) {
        c.positions = {0, 1, 2};
      },
      "positions has 3 numbers, but must have 5, or as many for each of 2 batch rows");
}

TEST(RopeTable, RefusesWhatHasNoAngles) {
  std::vector<float> memory(200, 42.0f);
  const std::vector<double> frequencies = {1, 2},
                            endless = {1, 2, 3, std::numeric_limits<double>::infinity()};
  const auto refused = [&](const RopeTableOptions& options, const std::function<void(RopeTable&)>& spoil,
                           const std::string& message) {
    RopeTable table = {{memory.data(), Shape{1, 1, 6, 4}}, {memory.data() + 100, Shape{1, 1, 6, 4}}};
    spoil(table);
    const Status status = rope_table(options, table);
    EXPECT_FALSE(status.ok()) << message;
    EXPECT_THAT(status.message(), HasSubstr(message));
    EXPECT_EQ(std::count(memory.begin(), memory.end(), 42.0f), 200) << message;
  };
  const auto as_it_is = [](RopeTable&) {};
  refused({.base = 0}, as_it_is, "base is 0.000000, but must be above 0");
  refused({.base = std::nan("")}, as_it_is, "base is nan, but must be finite");
  refused({.position_scale = std::nan("")}, as_it_is, "position_scale is nan, but must be finite");
  refused({.magnitude = std::nan("")}, as_it_is, "magnitude is nan, but must be finite");
  refused({.frequencies = frequencies}, as_it_is, "frequencies has 2 numbers, but cos axis R/2 is 4");
  refused({.frequencies = endless}, as_it_is, "a frequency is inf, but must be finite");
  refused(
      {}, [](RopeTable& t) { t.cos.dtype = DType::kFloat16; }, "cos is float16, but must be float32");
  refused(
      {}, [](RopeTable& t) { t.sin.dtype = DType::kFloat64; }, "sin is float64, but cos is float32");
  refused(
      {}, [](RopeTable& t) { t.sin.shape[2] = 5; }, "sin axis P is 5, but cos axis P is 6");
  refused(
      {}, [](RopeTable& t) { t.cos.data = nullptr; }, "cos is a null pointer");
  refused(
      {}, [](RopeTable& t) { t.sin.data = t.cos.data; }, "cos overlaps sin in memory");
  std::vector<double> shared(12, 1.0);
  refused(
      {.frequencies = std::span(shared).first(4)}, [&](RopeTable& t) { t.sin.data = shared.data(); },
      "sin overlaps frequencies in memory");
}

}  // namespace
}  // namespace attend
