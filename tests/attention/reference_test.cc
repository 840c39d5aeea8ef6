// The reference against numbers worked out by hand, and its gradients against finite differences of itself:
// it is the definition that everything else is held to, so nothing here uses a kernel.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "attend/attention.h"
#include "attention/attention_case.h"

namespace attend {
namespace {

TEST(AttentionReference, IsASoftmaxWeightedSum) {
  // Scores log 1, log 2 and log 5 (scale 1): weights 1/8, 2/8, 5/8.
  const double query[] = {1}, key[] = {0, std::log(2), std::log(5)}, value[] = {8, 0, 0, 16, 8, 8};
  double output[2], lse[1], weights[3];
  AttentionOptions options;
  options.scale = 1.0f;
  const Status status = attention({{query, Shape{1, 1, 1, 1}},
                                   {key, Shape{1, 1, 3, 1}},
                                   {value, Shape{1, 1, 3, 2}},
                                   {output, Shape{1, 1, 1, 2}},
                                   {lse, Shape{1, 1, 1, 1}},
                                   {weights, Shape{1, 1, 1, 3}}},
                                  options, serial_executor());
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_DOUBLE_EQ(weights[0], 0.125);
  EXPECT_DOUBLE_EQ(weights[1], 0.25);
  EXPECT_DOUBLE_EQ(weights[2], 0.625);
  EXPECT_DOUBLE_EQ(output[0], 1 + 5);
  EXPECT_DOUBLE_EQ(output[1], 4 + 5);
  EXPECT_DOUBLE_EQ(lse[0], std::log(8));
}

TEST(AttentionReference, ScalesByOneOverTheRootOfTheWidth) {
  const double query[] = {1, 1, 1, 1}, key[] = {1, 1, 1, 1}, value[] = {3};
  double output[1], lse[1];
  ASSERT_TRUE(attention({{query, Shape{1, 1, 1, 4}},
                         {key, Shape{1, 1, 1, 4}},
                         {value, Shape{1, 1, 1, 1}},
                         {output, Shape{1, 1, 1, 1}},
                         {lse, Shape{1, 1, 1, 1}},
                         {}},
                        {}, serial_executor())
                  .ok());
  EXPECT_DOUBLE_EQ(lse[0], 2);
}

TEST(AttentionReference, AlignsCausalMasksAsTheirNamesSay) {
  // 2 queries, 3 keys; each weight is 0 exactly where the key is masked.
  const AttentionCase upper({.sizes = {1, 1, 1, 2, 3, 4, 4}, .causal = Causal::kUpperLeft});
  const std::vector<double> u = upper.exact_forward().weights;
  EXPECT_TRUE(u[0] == 1 && u[1] == 0 && u[2] == 0);
  EXPECT_TRUE(u[3] > 0 && u[4] > 0 && u[5] == 0);
  const AttentionCase lower({.sizes = {1, 1, 1, 2, 3, 4, 4}, .causal = Causal::kLowerRight});
  const std::vector<double> l = lower.exact_forward().weights;
  EXPECT_TRUE(l[0] > 0 && l[1] > 0 && l[2] == 0);
  EXPECT_TRUE(l[3] > 0 && l[4] > 0 && l[5] > 0);
  // More queries than keys: the first queries of kLowerRight see nothing.
  const AttentionCase blind({.sizes = {1, 1, 1, 3, 2, 4, 4}, .causal = Causal::kLowerRight});
  const ForwardAnswer b = blind.exact_forward();
  EXPECT_EQ(b.lse[0], -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(b.weights[0] == 0 && b.weights[1] == 0 && b.output[0] == 0);
  EXPECT_TRUE(b.weights[2] == 1 && b.weights[3] == 0);
}

/// sum(output * output_gradient), in float64.
double objective(const PaddedTensor<double>& q, const PaddedTensor<double>& k, const PaddedTensor<double>& v,
                 const PaddedTensor<double>& gradient, const AttentionOptions& options) {
  PaddedTensor<double> output(gradient.shape(), Layout::kDense);
  EXPECT_TRUE(
      attention({q.view(), k.view(), v.view(), output.view(), {}, {}}, options, serial_executor()).ok());
  const std::vector<double> out = output.elements(), g = gradient.elements();
  double sum = 0;
  for (size_t i = 0; i < out.size(); ++i) sum += out[i] * g[i];
  return sum;
}

/// Compares an analytic gradient with central differences of the objective in every element of `operand`.
void expect_derivative(PaddedTensor<double>& operand, const std::vector<double>& gradient,
                       const std::function<double()>& objective) {
  constexpr double kStep = 1e-5;
  const std::vector<double> at = operand.elements();
  ASSERT_EQ(gradient.size(), at.size());
  for (size_t i = 0; i < at.size(); ++i) {
    std::vector<double> moved = at;
    moved[i] = at[i] + kStep;
    operand.set_elements(moved);
    const double above = objective();
    moved[i] = at[i] - kStep;
    operand.set_elements(moved);
    const double below = objective();
    EXPECT_NEAR(gradient[i], (above - below) / (2 * kStep), 1e-8) << "element " << i;
  }
  operand.set_elements(at);
}

TEST(AttentionReference, GradientsAreTheDerivativesOfTheOutput) {
  for (const CaseSpec& spec :
       {CaseSpec{.sizes = {1, 1, 1, 3, 4, 3, 2}},
        CaseSpec{.sizes = {2, 4, 2, 3, 5, 2, 3}, .causal = Causal::kUpperLeft},
        CaseSpec{.sizes = {2, 2, 1, 5, 3, 2, 2}, .causal = Causal::kLowerRight, .ragged = true},
        CaseSpec{.sizes = {2, 2, 1, 4, 6, 3, 2}, .mask = MaskKind::kOneRowAllMasked}}) {
    SCOPED_TRACE(::testing::Message() << spec);
    const AttentionCase problem(spec);
    const BackwardAnswer gradients = problem.exact_backward();
    auto q = problem.query.as<double>(Layout::kDense), k = problem.key.as<double>(Layout::kDense),
         v = problem.value.as<double>(Layout::kDense), g = problem.output_gradient.as<double>(Layout::kDense);
    const auto value_at = [&] { return objective(q, k, v, g, problem.options()); };
    expect_derivative(q, gradients.query, value_at);
    expect_derivative(k, gradients.key, value_at);
    expect_derivative(v, gradients.value, value_at);
  }
}

}  // namespace
}  // namespace attend
