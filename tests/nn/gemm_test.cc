#include "nn/gemm.h"

#include <limits>

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
          gemm<double>(a, ta, b, tb, accumulate, c);
          gemm<float>(af, ta, bf, tb, accumulate, cf);
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
  gemm<float>(a, Transpose::kNo, b, Transpose::kNo, Accumulate::kYes, c);
  expect_same_bits<float>(c, kept, "accumulated");
  gemm<float>(a, Transpose::kNo, b, Transpose::kNo, Accumulate::kNo, c);
  for (const float value : c.values()) EXPECT_EQ(value, 0.0f);
  const Matrix<float> none = arena.matrix<float>(0, 3);
  gemm<float>(arena.matrix<float>(0, 2), Transpose::kNo, c, Transpose::kNo, Accumulate::kNo, none);
}

}  // namespace
}  // namespace attend::testing
