#include "nn/gemm.h"

#include <limits>

#include "base/half.h"

#include "nn/layer_testing.h"

namespace attend::testing {
namespace {

constexpr Transpose kBoth[] = {Transpose::kNo, Transpose::kYes};

template <class T>
Matrix<T> operand(Arena& arena, int64_t rows, int64_t cols, Transpose transpose, uint64_t seed) {
  return transpose == Transpose::kYes ? random_matrix<T>(arena, cols, rows, seed)
                                      : random_matrix<T>(arena, rows, cols, seed);
}

// The definition, an element at a time.
double element(ConstMatrix<double> a, Transpose ta, ConstMatrix<double> b, Transpose tb, int64_t i,
               int64_t j) {
  double sum = 0.0;
  const int64_t inner = ta == Transpose::kYes ? a.rows : a.cols;
  for (int64_t k = 0; k < inner; ++k) {
    sum += (ta == Transpose::kYes ? a.row(k)[static_cast<size_t>(i)] : a.row(i)[static_cast<size_t>(k)]) *
           (tb == Transpose::kYes ? b.row(j)[static_cast<size_t>(k)] : b.row(k)[static_cast<size_t>(j)]);
  }
  return sum;
}

TEST(Gemm, IsItsDefinitionForEveryTransposeAndAwkwardShape) {
  constexpr int64_t kShapes[][3] = {{1, 1, 1},   {1, 7, 9},    {3, 65, 1},
                                    {8, 64, 63}, {65, 33, 17}, {5, 257, 129}};
  for (const auto& [m, k, n] : kShapes) {
    for (const Transpose ta : kBoth) {
      for (const Transpose tb : kBoth) {
        for (const Accumulate accumulate : {Accumulate::kNo, Accumulate::kYes}) {
          Arena arena;
          const auto a = operand<double>(arena, m, k, ta, 1), b = operand<double>(arena, k, n, tb, 2);
          const auto af = operand<float>(arena, m, k, ta, 1), bf = operand<float>(arena, k, n, tb, 2);
          const auto start = random_matrix<double>(arena, m, n, 3), c = random_matrix<double>(arena, m, n, 3);
          const auto cf = random_matrix<float>(arena, m, n, 3);
          if (accumulate == Accumulate::kNo) {  // what was there does not matter
            std::fill_n(c.data, c.size(), std::nan(""));
            std::fill_n(cf.data, cf.size(), std::numeric_limits<float>::quiet_NaN());
          }
          gemm<double>(a, ta, b, tb, accumulate, c, serial_executor());
          gemm<float>(af, ta, bf, tb, accumulate, cf, serial_executor());
          for (int64_t i = 0; i < m * n; ++i) {
            const double base = accumulate == Accumulate::kYes ? start.data[i] : 0.0;
            const double expected = base + element(a, ta, b, tb, i / n, i % n);
            ASSERT_NEAR(c.data[i], expected, 1e-11);
            ASSERT_NEAR(static_cast<double>(cf.data[i]), expected,
                        1e-5 * std::sqrt(static_cast<double>(k) + 1.0));
          }
        }
      }
    }
  }
}

TEST(Gemm, AnEmptySumIsZeroAndAnEmptyResultIsNothing) {
  Arena arena;
  const Matrix<float> a = arena.matrix<float>(2, 0), b = arena.matrix<float>(0, 3);
  const Matrix<float> c = random_matrix<float>(arena, 2, 3, 1), kept = random_matrix<float>(arena, 2, 3, 1);
  gemm<float>(a, Transpose::kNo, b, Transpose::kNo, Accumulate::kYes, c, serial_executor());
  expect_same_bits<float>(c, kept, "accumulated");
  gemm<float>(a, Transpose::kNo, b, Transpose::kNo, Accumulate::kNo, c, serial_executor());
  for (const float value : c.values()) EXPECT_EQ(value, 0.0f);
  const Matrix<float> none = arena.matrix<float>(0, 3);
  gemm<float>(arena.matrix<float>(0, 2), Transpose::kNo, c, Transpose::kNo, Accumulate::kNo, none,
              serial_executor());
}

TEST(Gemm, LongSumsOfFewNumbersAreCutByTheShapeAlone) {
  constexpr int64_t kTerms = 3 * 1024 + 77;
  const std::unique_ptr<Executor> many = make_thread_executor(3);
  for (const Accumulate accumulate : {Accumulate::kNo, Accumulate::kYes}) {
    Arena arena;
    const auto a = random_matrix<float>(arena, kTerms, 33, 1), b = random_matrix<float>(arena, kTerms, 17, 2);
    const auto c = random_matrix<float>(arena, 33, 17, 3), same = random_matrix<float>(arena, 33, 17, 3);
    const auto start = random_matrix<double>(arena, 33, 17, 3);
    const auto ad = random_matrix<double>(arena, kTerms, 33, 1),
               bd = random_matrix<double>(arena, kTerms, 17, 2);
    if (accumulate == Accumulate::kNo) std::ranges::fill(c.values(), std::numeric_limits<float>::quiet_NaN());
    Pass alone(arena, serial_executor()), shared(arena, *many);
    gemm<float>(a, Transpose::kYes, b, Transpose::kNo, accumulate, c, alone);
    if (accumulate == Accumulate::kNo) std::ranges::fill(same.values(), 7.0f);
    gemm<float>(a, Transpose::kYes, b, Transpose::kNo, accumulate, same, shared);
    expect_same_bits<float>(c, same, "by three workers");
    for (int64_t i = 0; i < c.size(); ++i) {
      const double base = accumulate == Accumulate::kYes ? start.data[i] : 0.0;
      const double expected = base + element(ad, Transpose::kYes, bd, Transpose::kNo, i / 17, i % 17);
      ASSERT_NEAR(static_cast<double>(c.data[i]), expected, 1e-5 * std::sqrt(double{kTerms}));
    }
  }
}

TEST(Gemm, DoesNotDependOnWhoRunsIt) {
  constexpr int64_t kRows = 401, kInner = 70, kCols = 2100;  // nine blocks, of unequal sizes
  const std::unique_ptr<Executor> openmp = make_openmp_executor(3), threads = make_thread_executor(2);
  for (const Transpose ta : kBoth) {
    for (const Transpose tb : kBoth) {
      Arena arena;
      const auto a = operand<float>(arena, kRows, kInner, ta, 1),
                 b = operand<float>(arena, kInner, kCols, tb, 2);
      const auto expected = random_matrix<float>(arena, kRows, kCols, 3);
      gemm<float>(a, ta, b, tb, Accumulate::kYes, expected, serial_executor());
      for (Executor* executor : {openmp.get(), threads.get()}) {
        const auto c = random_matrix<float>(arena, kRows, kCols, 3);
        gemm<float>(a, ta, b, tb, Accumulate::kYes, c, *executor);
        expect_same_bits<float>(c, expected, "other threads");
      }
      const auto wide_a = operand<double>(arena, kRows, kInner, ta, 1);
      const auto wide_b = operand<double>(arena, kInner, kCols, tb, 2);
      const auto start = random_matrix<double>(arena, kRows, kCols, 3);
      for (int64_t i = 0; i < expected.size(); i += 37) {
        ASSERT_NEAR(static_cast<double>(expected.data[i]),
                    start.data[i] + element(wide_a, ta, wide_b, tb, i / kCols, i % kCols), 1e-4);
      }
    }
  }
}

class GemmInBfloat16 : public ::testing::Test {
 protected:
  void SetUp() override { pass.precision = Precision::kBFloat16; }

  // `m` as the product sees it.
  Matrix<double> rounded(ConstMatrix<float> m) {
    const Matrix<double> r = arena.matrix<double>(m.rows, m.cols);
    for (int64_t i = 0; i < m.size(); ++i) {
      r.data[i] = static_cast<double>(bfloat16_to_float(float_to_bfloat16(m.data[i])));
    }
    return r;
  }

  Arena arena;
  Pass pass{arena, serial_executor()};
};

TEST_F(GemmInBfloat16, IsTheProductOfTheRoundedOperands) {
  if (!has_bfloat16_products()) GTEST_SKIP() << "no bfloat16 instructions on this machine";
  constexpr int64_t kRows = 257, kInner = 300, kCols = 261;
  for (const Transpose ta : kBoth) {
    for (const Transpose tb : kBoth) {
      for (const Accumulate accumulate : {Accumulate::kNo, Accumulate::kYes}) {
        const auto a = operand<float>(arena, kRows, kInner, ta, 1),
                   b = operand<float>(arena, kInner, kCols, tb, 2);
        const Matrix<double> wide_a = rounded(a), wide_b = rounded(b);
        const auto start = random_matrix<double>(arena, kRows, kCols, 3);
        const auto c = random_matrix<float>(arena, kRows, kCols, 3);
        gemm<float>(a, ta, b, tb, accumulate, c, pass);
        for (int64_t i = 0; i < c.size(); i += 7) {
          const double base = accumulate == Accumulate::kYes ? start.data[i] : 0.0;
          const double expected = base + element(wide_a, ta, wide_b, tb, i / kCols, i % kCols);
          ASSERT_NEAR(static_cast<double>(c.data[i]), expected, 1e-5 * std::sqrt(double{kInner}));
        }
      }
    }
  }
}

TEST_F(GemmInBfloat16, KeepsSmallProductsInFloat) {
  const auto a = random_matrix<float>(arena, 30, 40, 1), b = random_matrix<float>(arena, 40, 50, 2);
  const Matrix<float> c = arena.matrix<float>(30, 50), expected = arena.matrix<float>(30, 50);
  gemm<float>(a, Transpose::kNo, b, Transpose::kNo, Accumulate::kNo, c, pass);
  gemm<float>(a, Transpose::kNo, b, Transpose::kNo, Accumulate::kNo, expected, serial_executor());
  expect_same_bits<float>(c, expected, "small");
}

TEST_F(GemmInBfloat16, NeverRoundsDouble) {
  const auto a = random_matrix<double>(arena, 257, 300, 1), b = random_matrix<double>(arena, 300, 261, 2);
  const Matrix<double> c = arena.matrix<double>(257, 261);
  gemm<double>(a, Transpose::kNo, b, Transpose::kNo, Accumulate::kNo, c, pass);
  for (int64_t i = 0; i < c.size(); i += 101) {
    ASSERT_NEAR(c.data[i], element(a, Transpose::kNo, b, Transpose::kNo, i / 261, i % 261), 1e-11);
  }
}

TEST_F(GemmInBfloat16, GivesBackTheMemoryOfItsOperands) {
  const auto a = random_matrix<float>(arena, 257, 300, 1), b = random_matrix<float>(arena, 300, 261, 2);
  const Matrix<float> c = arena.matrix<float>(257, 261);
  gemm<float>(a, Transpose::kNo, b, Transpose::kNo, Accumulate::kNo, c, pass);
  const float* const first = arena.array<float>(1).data();
  gemm<float>(a, Transpose::kNo, b, Transpose::kNo, Accumulate::kNo, c, pass);
  EXPECT_EQ(arena.array<float>(1).data(), first + 16);  // 64 bytes on
}

}  // namespace
}  // namespace attend::testing
