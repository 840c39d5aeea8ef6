#include "training/adamw.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>

#include "base/random.h"
#include "training/golden_numbers.h"

namespace attend {
namespace {

template <class T>
using Decay = typename Parameter<T>::Decay;

template <class T>
void set(Matrix<T> matrix, const double* values) {
  for (int64_t i = 0; i < matrix.size(); ++i) matrix.data[i] = static_cast<T>(values[i]);
}

template <class T>
class AdamWGolden : public ::testing::Test {};
using BothTypes = ::testing::Types<float, double>;
TYPED_TEST_SUITE(AdamWGolden, BothTypes);

TYPED_TEST(AdamWGolden, SixStepsEndWherePyTorchEnds) {
  using T = TypeParam;
  const GoldenNumbers golden("training.safetensors");
  const std::vector<double> start = golden("adamw.start", 21), gradients = golden("adamw.gradients", 6 * 21);
  Parameter<T> decayed("decayed", 3, 7, Initial::zeros(), Decay<T>::kYes);
  Parameter<T> plain("plain", 3, 7, Initial::zeros(), Decay<T>::kNo);
  set(decayed.value(), start.data());
  set(plain.value(), start.data());
  AdamW<T> optimiser({&decayed, &plain}, {.beta1 = 0.8, .beta2 = 0.98, .epsilon = 1e-6, .weight_decay = 0.3});
  for (size_t step = 0; step < 6; ++step) {
    set(decayed.gradient(), gradients.data() + 21 * step);
    set(plain.gradient(), gradients.data() + 21 * step);
    optimiser.step(0.01, serial_executor());
  }
  const double tolerance = sizeof(T) == 4 ? 2e-6 : 1e-13;
  const std::vector<double> with_decay = golden("adamw.decayed", 21), without = golden("adamw.plain", 21);
  for (int64_t i = 0; i < 21; ++i) {
    EXPECT_NEAR(static_cast<double>(decayed.value().data[i]), with_decay[static_cast<size_t>(i)], tolerance)
        << i;
    EXPECT_NEAR(static_cast<double>(plain.value().data[i]), without[static_cast<size_t>(i)], tolerance) << i;
  }
}

/// A list of parameters of awkward sizes with random values and gradients.
struct Parameters {
  std::vector<std::unique_ptr<Parameter<float>>> owned;
  ParameterList<float> list;

  Parameters() {
    for (const int64_t size : {1, 7, 63, 16384, 16385, 40001}) {
      owned.push_back(std::make_unique<Parameter<float>>(std::to_string(size), 1, size, Initial::normal(1),
                                                         Parameter<float>::Decay::kYes));
      list.push_back(owned.back().get());
    }
    initialize(list, 3);
  }
  void draw_gradients(uint64_t seed) {
    uint64_t i = 0;
    for (Parameter<float>* p : list) {
      for (float& g : p->gradient().values()) g = static_cast<float>(RandomKey(seed).normal(i++));
    }
  }
};

TEST(AdamW, TheNumberOfWorkersDoesNotChangeABit) {
  Parameters one, many;
  AdamW<float> first(one.list, {.clip = 1}), second(many.list, {.clip = 1});
  const std::unique_ptr<Executor> executor = make_thread_executor(5);
  for (uint64_t step = 0; step < 4; ++step) {
    one.draw_gradients(step);
    many.draw_gradients(step);
    EXPECT_EQ(first.step(0.01, serial_executor()), second.step(0.01, *executor));
  }
  for (size_t p = 0; p < one.list.size(); ++p) {
    for (int64_t i = 0; i < one.list[p]->size(); ++i) {
      ASSERT_EQ(one.list[p]->value().data[i], many.list[p]->value().data[i]) << p << " " << i;
    }
  }
}

TEST(AdamW, TheNormIsThatOfAllGradientsBeforeClipping) {
  Parameters parameters;
  AdamW<float> optimiser(parameters.list, {.clip = 0.5});
  parameters.draw_gradients(1);
  double sum = 0;
  for (Parameter<float>* p : parameters.list) {
    for (const float g : p->gradient().values()) sum += static_cast<double>(g) * static_cast<double>(g);
  }
  EXPECT_NEAR(optimiser.step(0.01, serial_executor()), std::sqrt(sum), 1e-9 * std::sqrt(sum));
}

TEST(AdamW, ClippingScalesTheMomentsAndLeavesSmallGradientsAlone) {
  Parameter<double> p("p", 1, 2, Initial::zeros(), Parameter<double>::Decay::kNo);
  AdamW<double> optimiser({&p}, {.clip = 1});
  p.gradient().data[0] = 3;
  p.gradient().data[1] = 4;
  optimiser.step(0.1, serial_executor());
  EXPECT_NEAR(optimiser.first_moment(0)[0], 0.1 * 3 / 5, 1e-6);
  EXPECT_NEAR(optimiser.first_moment(0)[1], 0.1 * 4 / 5, 1e-6);

  AdamW<double> small({&p}, {.clip = 1});
  p.gradient().data[0] = 0.3;
  p.gradient().data[1] = 0.4;
  small.step(0.1, serial_executor());
  EXPECT_DOUBLE_EQ(small.first_moment(0)[0], 0.1 * 0.3);
}

TEST(AdamW, AGradientThatIsNoNumberMovesNothing) {
  for (const float poison :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Parameters parameters;
    AdamW<float> optimiser(parameters.list, {.clip = 1});
    parameters.draw_gradients(1);
    parameters.list.back()->gradient().data[39999] = poison;
    const float before = parameters.list.front()->value().data[0];
    EXPECT_FALSE(std::isfinite(optimiser.step(0.01, serial_executor())));
    EXPECT_EQ(parameters.list.front()->value().data[0], before);
    EXPECT_EQ(optimiser.steps(), 0);
    EXPECT_EQ(optimiser.first_moment(0)[0], 0);
  }
}

}  // namespace
}  // namespace attend
