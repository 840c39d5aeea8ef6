// The reference against numbers worked out by hand, and its gradients against finite differences of itself:
// it is the definition that everything else is held to, so nothing here uses a kernel.
#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstdlib>
#include <functional>
#include <limits>
#include <vector>

#include "attend/attention.h"
#include "attention/attention_case.h"
#include "attention/dropout.h"

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
double objective(const AttentionCase& problem, const Operands<double>& o) {
  PaddedTensor<double> output(o.output_gradient.shape(), Layout::kDense);
  EXPECT_TRUE(attention({o.query.view(), o.key.view(), o.value.view(), output.view(), {}, {}},
                        problem.options(o), serial_executor())
                  .ok());
  const std::vector<double> out = output.elements(), g = o.output_gradient.elements();
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
        CaseSpec{.sizes = {2, 2, 1, 4, 6, 3, 2}, .mask = MaskKind::kOneRowAllMasked, .sinks = true},
        CaseSpec{.sizes = {2, 2, 1, 4, 6, 3, 2}, .window = {2, 1}, .bias = BiasKind::kFull},
        CaseSpec{.sizes = {2, 2, 1, 4, 6, 3, 2}, .bias = BiasKind::kHeads, .alibi = true, .softcap = 0.7f},
        CaseSpec{.sizes = {2, 2, 1, 4, 6, 3, 2}, .bias = BiasKind::kQueries, .sinks = true, .dropout = 0.3f},
        CaseSpec{.sizes = {2, 2, 1, 4, 6, 3, 2},
        .causal = Causal::kQueryOffset,
        .window = {4, -1},
        .offset = {1, 2},
        .bias = BiasKind::kKeys,
        .alibi = true,
        .softcap = 1.3f,
        .sinks = true,
        .dropout = 0.2f},
        CaseSpec{.sizes = {2, 2, 1, 4, 6, 5, 2}, .rope = {4, RopeLayout::kHalfSplit}},
        CaseSpec{.sizes = {2, 2, 1, 4, 6, 4, 2},
        .causal = Causal::kUpperLeft,
        .softcap = 0.7f,
        .rope = {4, RopeLayout::kInterleaved, true}}}) {
    SCOPED_TRACE(::testing::Message() << spec);
    const AttentionCase problem(spec);
    const BackwardAnswer gradients = problem.exact_backward();
    Operands<double> operands = problem.in_doubles();
    const auto value_at = [&] { return objective(problem, operands); };
    expect_derivative(operands.query, gradients.query, value_at);
    expect_derivative(operands.key, gradients.key, value_at);
    expect_derivative(operands.value, gradients.value, value_at);
    expect_derivative(operands.bias, gradients.bias, value_at);
    expect_derivative(operands.sinks, gradients.sinks, value_at);
  }
}

/// The score of one pair, by the words of the contract.
double score_by_formula(const AttentionCase& problem, int64_t b, int64_t h, int64_t i, int64_t j) {
  const CaseSpec& spec = problem.spec();
  const int64_t kv = h / spec.sizes.group(),
                distance = problem.query_position(b, i) - problem.key_position(b, j);
  double s = 0;
  for (int64_t d = spec.rope.width; d < spec.sizes.D; ++d) {
    s += double{problem.query.at(b, h, i, d)} * double{problem.key.at(b, kv, j, d)};
  }
  // Features as complex numbers: <R_m q, R_n k> = Re(q conj(k) e^(i (m - n) f)).
  for (int64_t r = 0; r < spec.rope.width / 2; ++r) {
    const bool halves = spec.rope.layout == RopeLayout::kHalfSplit;
    const int64_t x = halves ? r : 2 * r, y = halves ? r + spec.rope.width / 2 : 2 * r + 1;
    const std::complex<double> q(problem.query.at(b, h, i, x), problem.query.at(b, h, i, y)),
        k(problem.key.at(b, kv, j, x), problem.key.at(b, kv, j, y));
    const double frequency =
        std::pow(100.0, -2.0 * static_cast<double>(r) / static_cast<double>(spec.rope.width));
    s += (q * std::conj(k) * std::polar(1.0, static_cast<double>(distance) * frequency)).real();
  }
  s /= std::sqrt(static_cast<double>(spec.sizes.D));
  if (spec.softcap > 0) s = double{spec.softcap} * std::tanh(s / double{spec.softcap});
  if (problem.bias.present()) {
    const Shape& n = problem.bias.shape();
    s += double{problem.bias.at(b % n[0], h % n[1], i % n[2], j % n[3])};
  }
  const int64_t offset =
      spec.offset.empty() ? spec.sizes.Tk - spec.sizes.Tq : spec.offset[static_cast<size_t>(b)];
  if (spec.alibi) {
    s -= double{problem.alibi_slopes.at(0, h, 0, 0)} * static_cast<double>(std::abs(i + offset - j));
  }
  return s;
}

TEST(AttentionReference, AScoreDependsOnHowFarApartQueryAndKeyStand) {
  for (const RopeSpec& rope :
       {RopeSpec{4, RopeLayout::kHalfSplit}, RopeSpec{8, RopeLayout::kInterleaved},
        RopeSpec{6, RopeLayout::kHalfSplit, true}, RopeSpec{2, RopeLayout::kInterleaved, true}}) {
    const AttentionCase problem({.sizes = {2, 4, 2, 9, 13, 8, 3}, .rope = rope});
    const std::vector<double> weights = problem.exact_forward().weights, lse = problem.exact_forward().lse;
    for (int64_t pair = 0; pair < 2 * 4 * 9 * 13; ++pair) {
      const int64_t row = pair / 13, b = row / 9 / 4, h = row / 9 % 4;
      const double score = score_by_formula(problem, b, h, row % 9, pair % 13);
      // The tables are float32.
      EXPECT_NEAR(std::log(weights[static_cast<size_t>(pair)]) + lse[static_cast<size_t>(row)], score, 1e-6);
    }
  }
}

TEST(AttentionReference, FollowsTheFormulasOfEveryOption) {
  const AttentionCase problem({.sizes = {2, 4, 2, 9, 13, 5, 3},
                               .causal = Causal::kQueryOffset,
                               .window = {7, -1},
                               .offset = {3, 8},
                               .mask = MaskKind::kFull,
                               .bias = BiasKind::kHeads,
                               .alibi = true,
                               .softcap = 1.1f,
                               .sinks = true,
                               .dropout = 0.25f});
  const ForwardAnswer answer = problem.exact_forward();
  const Sizes& n = problem.spec().sizes;
  std::vector<double> head_mean(answer.head_mean.size()), column_sums(answer.column_sums.size());
  for (int64_t row = 0; row < n.B * n.Hq * n.Tq; ++row) {
    const int64_t i = row % n.Tq, h = row / n.Tq % n.Hq, b = row / n.Tq / n.Hq;
    std::vector<double> e(static_cast<size_t>(n.Tk));
    double sum = 0;
    for (int64_t j = 0; j < n.Tk; ++j) {
      if (!problem.sees(b, h, i, j)) continue;
      sum += e[static_cast<size_t>(j)] = std::exp(score_by_formula(problem, b, h, i, j));
    }
    const double lse = std::log(sum + std::exp(double{problem.sinks.at(0, h, 0, 0)}));
    std::vector<double> output(static_cast<size_t>(n.Dv));
    const HeadDropout dropout = DropoutPolicy(problem.options()).head(b, h);
    for (int64_t j = 0; j < n.Tk; ++j) {
      const double weight = e[static_cast<size_t>(j)] / std::exp(lse);
      EXPECT_NEAR(answer.weights[static_cast<size_t>(row * n.Tk + j)], weight, 1e-14);
      head_mean[static_cast<size_t>((b * n.Tq + i) * n.Tk + j)] += weight / static_cast<double>(n.Hq);
      column_sums[static_cast<size_t>((b * n.Hq + h) * n.Tk + j)] += weight;
      if (!dropout.keeps(i, j) || weight == 0) continue;
      for (int64_t d = 0; d < n.Dv; ++d) {
        output[static_cast<size_t>(d)] += weight / 0.75 * double{problem.value.at(b, h / n.group(), j, d)};
      }
    }
    if (sum > 0) {
      EXPECT_NEAR(answer.lse[static_cast<size_t>(row)], lse, 1e-13);
    } else {
      EXPECT_EQ(answer.lse[static_cast<size_t>(row)], -HUGE_VAL);
    }
    for (int64_t d = 0; d < n.Dv; ++d) {
      EXPECT_NEAR(answer.output[static_cast<size_t>(row * n.Dv + d)], output[static_cast<size_t>(d)], 1e-13);
    }
  }
  EXPECT_LE(largest_error(answer.head_mean, head_mean), 1e-14);
  EXPECT_LE(largest_error(answer.column_sums, column_sums), 1e-13);
}

}  // namespace
}  // namespace attend
