// What the tests of layers share: random matrices, comparisons in which NaN fails, and finite differences.
#ifndef ATTEND_TESTS_NN_LAYER_TESTING_H_
#define ATTEND_TESTS_NN_LAYER_TESTING_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nn/parameter.h"
#include "nn/pass.h"

namespace attend::testing {

/// A matrix [rows, cols] in `arena` of normal numbers, the same (rounded) for float and double.
template <class T>
Matrix<T> random_matrix(Arena& arena, int64_t rows, int64_t cols, uint64_t seed, double deviation = 1.0) {
  const Matrix<T> m = arena.matrix<T>(rows, cols);
  const RandomKey key(seed);
  for (int64_t i = 0; i < m.size(); ++i) {
    m.data[i] = static_cast<T>(static_cast<float>(deviation * key.normal(static_cast<uint64_t>(i))));
  }
  return m;
}

/// Gives every parameter numbers that no symmetry makes special.
template <class T>
void randomize(const ParameterList<T>& parameters, double deviation = 0.5) {
  uint64_t seed = 1000;
  for (Parameter<T>* parameter : parameters) {
    const RandomKey key(seed++);
    uint64_t i = 0;
    for (T& value : parameter->value().values()) {
      value = static_cast<T>(static_cast<float>(deviation * key.normal(i++)));
    }
  }
}

/// sum of a * b: a loss whose gradient with respect to `a` is `b`.
template <class T>
double dot(ConstMatrix<T> a, ConstMatrix<T> b) {
  EXPECT_EQ(a.rows, b.rows);
  EXPECT_EQ(a.cols, b.cols);
  double sum = 0.0;
  for (int64_t i = 0; i < a.size(); ++i)
    sum += static_cast<double>(a.data[i]) * static_cast<double>(b.data[i]);
  return sum;
}

/// Every |a - b| <= tolerance * max(1, |b|).
template <class A, class B>
void expect_near(Matrix<A> a, Matrix<B> b, double tolerance, const std::string& what) {
  ASSERT_EQ(a.rows, b.rows) << what;
  ASSERT_EQ(a.cols, b.cols) << what;
  for (int64_t i = 0; i < a.size(); ++i) {
    const double x = static_cast<double>(a.data[i]), y = static_cast<double>(b.data[i]);
    ASSERT_TRUE(std::abs(x - y) <= tolerance * std::max(1.0, std::abs(y)))
        << what << " [" << i / a.cols << ", " << i % a.cols << "]: " << x << " against " << y;
  }
}

template <class T>
void expect_same_bits(ConstMatrix<T> a, ConstMatrix<T> b, const std::string& what) {
  ASSERT_EQ(a.rows, b.rows) << what;
  ASSERT_EQ(a.cols, b.cols) << what;
  for (int64_t i = 0; i < a.size(); ++i) ASSERT_EQ(a.data[i], b.data[i]) << what << " element " << i;
}

/// Compares `gradient`, of loss() with respect to `values`, to central differences of the fourth order, whose
/// error is of order h^4 = 1e-12 next to 1e-13 of rounding; the largest gradient sets the scale.
inline void expect_gradient(Matrix<double> values, ConstMatrix<double> gradient,
                            const std::function<double()>& loss, const std::string& what) {
  ASSERT_EQ(values.size(), gradient.size()) << what;
  constexpr double kStep = 1e-3;
  double largest = 0.0;
  for (int64_t i = 0; i < values.size(); ++i) largest = std::max(largest, std::abs(gradient.data[i]));
  for (int64_t i = 0; i < values.size(); ++i) {
    double& value = values.data[i];
    const double kept = value;
    const auto at = [&](double distance) {
      value = kept + distance;
      return loss();
    };
    const double slope =
        (8.0 * (at(kStep) - at(-kStep)) - (at(2.0 * kStep) - at(-2.0 * kStep))) / (12.0 * kStep);
    value = kept;
    ASSERT_TRUE(std::abs(slope - gradient.data[i]) <= 1e-6 * std::abs(slope) + 1e-7 * largest + 1e-10)
        << what << " element " << i << ": " << gradient.data[i] << ", by differences " << slope;
  }
}

/// Checks every parameter's gradient, which must hold that of loss().
inline void expect_parameter_gradients(const ParameterList<double>& parameters,
                                       const std::function<double()>& loss) {
  for (Parameter<double>* parameter : parameters) {
    expect_gradient(parameter->value(), parameter->gradient(), loss, parameter->name());
  }
}

/// What tests of gradients work with: memory, and a loss of one number to differentiate.
class GradientTest : public ::testing::Test {
 protected:
  /// A pass over fresh memory; all passes of a test draw the same random numbers.
  virtual Pass pass_over(Arena& arena) { return Pass(arena, serial_executor()); }

  Matrix<double> random(int64_t rows, int64_t cols, uint64_t seed) {
    return random_matrix<double>(data, rows, cols, seed);
  }
  /// sum of probe * run(pass): its gradient with respect to what run() returns is the probe.
  template <class Run>
  double loss(ConstMatrix<double> probe, const Run& run) {
    activations.reset();
    Pass pass = pass_over(activations);
    return dot(ConstMatrix<double>(run(pass)), probe);
  }
  template <class Layer>
  ParameterList<double> randomized(Layer& layer) {
    ParameterList<double> list;
    layer.collect(list);
    randomize(list);
    return list;
  }

  Arena data, activations, kept;
};

}  // namespace attend::testing

#endif  // ATTEND_TESTS_NN_LAYER_TESTING_H_
