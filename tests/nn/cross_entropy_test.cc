#include "nn/cross_entropy.h"

#include <limits>

#include "nn/layer_testing.h"

namespace attend::testing {
namespace {

TEST(CrossEntropy, OfUniformLogitsIsTheLogarithmOfTheClasses) {
  Arena arena;
  Pass pass(arena, serial_executor());
  const Matrix<float> logits = arena.zeros<float>(3, 100);
  const std::vector<int32_t> classes = {0, 50, 99};
  EXPECT_NEAR(cross_entropy(logits, {classes, {}}, 0.1, 1.0, pass), 3.0 * std::log(100.0), 1e-6);
}

TEST(CrossEntropy, GradientsOfARowSumToZero) {
  Arena arena;
  Pass pass(arena, serial_executor());
  const Matrix<float> logits = random_matrix<float>(arena, 4, 4001, 1, 3.0);
  const std::vector<int32_t> classes = {17, 0, 4000, 2000};
  cross_entropy(logits, {classes, {}}, 0.1, 1.0, pass);
  for (int64_t r = 0; r < 4; ++r) {
    double sum = 0.0;
    for (const float value : logits.row(r)) sum += static_cast<double>(value);
    EXPECT_NEAR(sum, 0.0, 1e-5);
  }
}

TEST(CrossEntropy, ARowOfWeightZeroMayHoldAnything) {
  Arena arena;
  Pass pass(arena, serial_executor());
  const Matrix<float> logits = random_matrix<float>(arena, 2, 65, 1);
  std::fill_n(logits.row(0).data(), 65, std::numeric_limits<float>::quiet_NaN());
  const std::vector<int32_t> classes = {64, 3};
  const std::vector<float> weights = {0.0f, 1.0f};
  const double loss = cross_entropy(logits, {classes, weights}, 0.0, 1.0, pass);
  EXPECT_TRUE(std::isfinite(loss));
  for (const float value : logits.row(0)) EXPECT_EQ(value, 0.0f);
  EXPECT_LT(logits.row(1)[3], 0.0f);
}

TEST(CrossEntropy, ANegativeWeightTurnsTheGradientAround) {
  Arena arena;
  Pass pass(arena, serial_executor());
  const Matrix<float> a = random_matrix<float>(arena, 1, 33, 1), b = random_matrix<float>(arena, 1, 33, 1);
  const std::vector<int32_t> classes = {5};
  const std::vector<float> plus = {2.0f}, minus = {-2.0f};
  const double loss = cross_entropy(a, {classes, plus}, 0.1, 0.5, pass);
  EXPECT_EQ(cross_entropy(b, {classes, minus}, 0.1, 0.5, pass), -loss);
  for (int64_t i = 0; i < 33; ++i) EXPECT_EQ(a.data[i], -b.data[i]);
}

TEST(CrossEntropy, OfNoRowsIsZero) {
  Arena arena;
  Pass pass(arena, serial_executor());
  EXPECT_EQ(cross_entropy(arena.matrix<float>(0, 10), {{}, {}}, 0.1, 1.0, pass), 0.0);
}

}  // namespace
}  // namespace attend::testing
