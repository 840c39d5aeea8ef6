// The score kernels in float against their definition in double, at widths around whole vectors, on every
// instruction set that the machine has.
#include "nn/score_kernels.h"

#include <limits>

#include "nn/every_instruction_set.h"
#include "nn/layer_testing.h"

namespace attend::testing {
namespace {

class ScoreKernels : public EveryInstructionSet {};
INSTANTIATE_TEST_SUITE_P(EveryInstructionSet, ScoreKernels, instruction_sets(), name_of_instruction_set);

constexpr int64_t kWidths[] = {1, 3, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 257};

TEST_P(ScoreKernels, TanhIsWithinFourUnitsOfTheLastPlace) {
  std::vector<float> x = {
      0.0f, -0.0f, 1e-30f, -1e-8f, 100.0f, -100.0f, std::numeric_limits<float>::infinity()};
  for (float v = -12.0f; v < 12.0f; v += 0.00317f) x.push_back(v);
  const auto n = static_cast<int64_t>(x.size());
  std::vector<float> y(x.size());
  kernels::tanh(x.data(), y.data(), n);
  for (size_t i = 0; i < x.size(); ++i) {
    const double expected = std::tanh(static_cast<double>(x[i]));
    ASSERT_LE(std::abs(static_cast<double>(y[i]) - expected), 4 * 0x1p-23 * std::abs(expected)) << x[i];
  }
  std::vector<float> nan(17, std::numeric_limits<float>::quiet_NaN());
  kernels::tanh(nan.data(), nan.data(), 17);
  for (const float v : nan) EXPECT_TRUE(std::isnan(v));
}

template <class T>
struct Operands {
  Arena arena;
  int64_t count, width;
  Matrix<T> x, w, p, rows, y, drows, s;

  Operands(int64_t rows_count, int64_t row_width) : count(rows_count), width(row_width) {
    x = random_matrix<T>(arena, 1, width, 1);
    w = random_matrix<T>(arena, 1, width, 2);
    p = random_matrix<T>(arena, 1, count, 3);
    rows = random_matrix<T>(arena, count, width, 4);
    y = random_matrix<T>(arena, 1, width, 5);
    drows = random_matrix<T>(arena, count, width, 6);
    s = random_matrix<T>(arena, 1, count, 7);
  }
  kernels::Rows<const T> read() const { return {rows.data, count, width}; }
};

/// run() on operands of float gives what it gives on those of double, to the rounding of sums of so many
/// terms.
template <class Run>
void compare(const Run& run) {
  for (const int64_t width : kWidths) {
    for (const int64_t count : {1, 2, 9, 49}) {
      SCOPED_TRACE(std::to_string(count) + " rows of " + std::to_string(width));
      Operands<float> narrow(count, width);
      Operands<double> wide(count, width);
      run(narrow);
      run(wide);
      const double tolerance = 0x1p-22 * std::sqrt(static_cast<double>(width + count)) * 4;
      expect_near(narrow.s, wide.s, tolerance, "s");
      expect_near(narrow.y, wide.y, tolerance, "y");
      expect_near(narrow.w, wide.w, tolerance, "w");
      expect_near(narrow.drows, wide.drows, tolerance, "rows");
    }
  }
}

TEST_P(ScoreKernels, DotRowsIsItsDefinition) {
  compare([](auto& o) { kernels::dot_rows(o.x.data, o.read(), o.s.data); });
}

TEST_P(ScoreKernels, AddWeightedRowsIsItsDefinition) {
  compare([](auto& o) { kernels::add_weighted_rows(o.p.data, o.read(), o.y.data); });
}

TEST_P(ScoreKernels, AddToRowsIsItsDefinition) {
  compare([]<class T>(Operands<T>& o) {
    kernels::add_to_rows(o.p.data, o.x.data, kernels::Rows<T>{o.drows.data, o.count, o.width});
  });
}

TEST_P(ScoreKernels, AdditiveScoresAreTheirDefinition) {
  compare([](auto& o) { kernels::additive_scores(o.x.data, o.w.data, o.read(), o.s.data); });
}

TEST_P(ScoreKernels, AdditiveGradientIsItsDefinition) {
  compare([]<class T>(Operands<T>& o) {
    const Matrix<T> w = random_matrix<T>(o.arena, 1, o.width, 8);
    kernels::additive_gradient(o.x.data, w.data, o.read(),
                               kernels::AdditiveGradients<T>{o.p.data, o.y.data, o.w.data, o.drows.data});
  });
}

TEST_P(ScoreKernels, TanhGradientIsItsDefinition) {
  compare([]<class T>(Operands<T>& o) {
    kernels::tanh(o.x.data, o.x.data, o.width);
    kernels::tanh_gradient(o.x.data, o.y.data, o.y.data, o.width);
  });
}

}  // namespace
}  // namespace attend::testing
