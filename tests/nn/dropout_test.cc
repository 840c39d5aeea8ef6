#include "nn/dropout.h"

#include "nn/layer_testing.h"

namespace attend::testing {
namespace {

Matrix<float> ones(Arena& arena, int64_t rows, int64_t cols) {
  const Matrix<float> m = arena.matrix<float>(rows, cols);
  std::fill_n(m.data, m.size(), 1.0f);
  return m;
}

TEST(Dropout, DropsAtItsRateAndKeepsTheExpectation) {
  Arena arena;
  for (const double rate : {0.1, 0.3, 0.9}) {
    Pass pass(arena, serial_executor(), RandomKey(1));
    const Matrix<float> x = ones(arena, 1000, 257);
    EXPECT_TRUE(Dropout(rate).forward(x, pass).active);
    int64_t dropped = 0;
    double sum = 0.0;
    for (const float value : x.values()) {
      dropped += value == 0.0f;
      sum += static_cast<double>(value);
    }
    const double n = static_cast<double>(x.size()), deviation = std::sqrt(rate * (1.0 - rate) / n);
    EXPECT_NEAR(static_cast<double>(dropped) / n, rate, 5.0 * deviation + 0.5 / 65536.0);
    EXPECT_NEAR(sum / n, 1.0, 5.0 * deviation / (1.0 - rate));
  }
}

TEST(Dropout, NeighboursFallIndependently) {
  Arena arena;
  Pass pass(arena, serial_executor(), RandomKey(2));
  const Matrix<float> x = ones(arena, 1, 1 << 18);
  Dropout(0.5).forward(x, pass);
  for (const int64_t distance : {1, 2, 3, 4, 256}) {
    int64_t both = 0;
    for (int64_t i = 0; i + distance < x.size(); ++i)
      both += x.data[i] == 0.0f && x.data[i + distance] == 0.0f;
    const double n = static_cast<double>(x.size() - distance);
    EXPECT_NEAR(static_cast<double>(both) / n, 0.25, 5.0 * std::sqrt(0.25 * 0.75 / n)) << distance;
  }
}

TEST(Dropout, BackwardDropsTheSameElements) {
  Arena arena;
  Pass pass(arena, serial_executor(), RandomKey(3));
  const Dropout dropout(0.4);
  const Matrix<float> x = ones(arena, 70, 391), dy = ones(arena, 70, 391);
  const Dropout::Activations activations = dropout.forward(x, pass);
  dropout.backward(activations, dy, pass);
  expect_same_bits<float>(x, dy, "gradient");
}

TEST(Dropout, EachPlaceDrawsItsOwnAndEachPassTheSame) {
  Arena arena;
  const Dropout dropout(0.5);
  const Matrix<float> a = ones(arena, 9, 65), b = ones(arena, 9, 65), again = ones(arena, 9, 65);
  Pass first(arena, serial_executor(), RandomKey(4)), second(arena, serial_executor(), RandomKey(4));
  dropout.forward(a, first);
  dropout.forward(b, first);
  dropout.forward(again, second);
  expect_same_bits<float>(a, again, "the first place of another pass");
  EXPECT_FALSE(std::equal(a.data, a.data + a.size(), b.data));
}

TEST(Dropout, DoesNothingOutsideTrainingOrAtRateZero) {
  Arena arena;
  Pass inference(arena, serial_executor()), training(arena, serial_executor(), RandomKey(5));
  const Matrix<float> x = ones(arena, 5, 7);
  EXPECT_FALSE(Dropout(0.5).forward(x, inference).active);
  EXPECT_FALSE(Dropout(0.0).forward(x, training).active);
  Dropout(0.5).backward({}, x, training);
  expect_same_bits<float>(x, ones(arena, 5, 7), "x");
}

TEST(Dropout, DoubleDropsWhatFloatDrops) {
  Arena arena;
  Pass a(arena, serial_executor(), RandomKey(6)), b(arena, serial_executor(), RandomKey(6));
  const Matrix<float> x = ones(arena, 3, 1001);
  const Matrix<double> y = arena.matrix<double>(3, 1001);
  std::fill_n(y.data, y.size(), 1.0);
  Dropout(0.2).forward(x, a);
  Dropout(0.2).forward(y, b);
  expect_near(x, y, 1e-6, "dropped");
}

}  // namespace
}  // namespace attend::testing
