#include "nn/parameter.h"

#include "nn/layer_testing.h"

namespace attend::testing {
namespace {

template <class T>
Parameter<T> normal(const std::string& name) {
  return {name, 40, 50, Initial::normal(0.5), Parameter<T>::Decay::kYes};
}

TEST(Parameter, StartsByItsRule) {
  Parameter<float> zeros("zeros", 1, 9, Initial::zeros(), Parameter<float>::Decay::kNo);
  Parameter<float> ones("ones", 1, 9, Initial::ones(), Parameter<float>::Decay::kNo);
  Parameter<float> uniform("uniform", 60, 90, Initial::glorot(90, 60), Parameter<float>::Decay::kYes);
  Parameter<float> bell = normal<float>("bell");
  initialize<float>({&zeros, &ones, &uniform, &bell}, 1);
  for (const float value : zeros.value().values()) EXPECT_EQ(value, 0.0f);
  for (const float value : ones.value().values()) EXPECT_EQ(value, 1.0f);
  double most = 0.0, squares = 0.0;
  for (const float value : uniform.value().values())
    most = std::max(most, std::abs(static_cast<double>(value)));
  EXPECT_LE(most, 0.2 + 1e-7);  // sqrt(6 / 150)
  EXPECT_GT(most, 0.199);
  for (const float value : bell.value().values()) squares += static_cast<double>(value * value);
  EXPECT_NEAR(squares / 2000.0, 0.25, 0.04);
}

TEST(Parameter, StartsFromSeedAndNameAlone) {
  Parameter<float> a = normal<float>("a"), b = normal<float>("b"), again = normal<float>("a");
  Parameter<double> wide = normal<double>("a");
  initialize<float>({&a, &b}, 7);
  initialize<float>({&b, &again}, 7);
  initialize<double>({&wide}, 7);
  expect_same_bits<float>(a.value(), again.value(), "the order of parameters does not matter");
  for (int64_t i = 0; i < a.size(); ++i)
    ASSERT_EQ(a.value().data[i], static_cast<float>(wide.value().data[i]));
  EXPECT_NE(a.value().data[0], b.value().data[0]);
  initialize<float>({&again}, 8);
  EXPECT_NE(a.value().data[0], again.value().data[0]);
}

TEST(Parameter, ShapesAreThoseOfACheckpoint) {
  const Parameter<float> matrix("m", 3, 4, Initial::zeros(), Parameter<float>::Decay::kYes);
  const Parameter<float> vector("v", 1, 4, Initial::zeros(), Parameter<float>::Decay::kNo);
  EXPECT_EQ(matrix.shape(), (std::vector<int64_t>{3, 4}));
  EXPECT_EQ(vector.shape(), (std::vector<int64_t>{4}));
  EXPECT_TRUE(matrix.decays());
  EXPECT_FALSE(vector.decays());
}

TEST(Parameter, GradientIsZeroUntilSomethingIsAdded) {
  Parameter<double> p = normal<double>("p");
  for (const double value : p.gradient().values()) EXPECT_EQ(value, 0.0);
  p.gradient().data[3] = 2.0;
  EXPECT_EQ(p.gradient().data[3], 2.0);
  zero_gradients<double>({&p});
  EXPECT_EQ(p.gradient().data[3], 0.0);
}

}  // namespace
}  // namespace attend::testing
