// Gradients of bfloat16 and float16 operands: the numbers of float32 with one rounding, on every instruction
// set.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "attend/attention.h"
#include "attention/attention_case.h"
#include "attention/case_lists.h"
#include "attention/narrow_case.h"

namespace attend {
namespace {

constexpr DType kTypes[] = {DType::kBFloat16, DType::kFloat16};

std::vector<double> doubles(const PaddedTensor<float>& tensor) {
  const std::vector<float> numbers = tensor.elements();
  return {numbers.begin(), numbers.end()};
}

/// What forward() leaves for the backward pass, and where the gradients of the options go.
struct Passed {
  Passed(const AttentionCase& problem, DType dtype)
      : output({problem.spec().sizes.B, problem.spec().sizes.Hq, problem.spec().sizes.Tq,
                problem.spec().sizes.Dv},
               dtype),
        lse({problem.spec().sizes.B, problem.spec().sizes.Hq, problem.spec().sizes.Tq, 1}, Layout::kDense),
        bias(problem.bias),
        sinks(problem.sinks) {
    for (PaddedTensor<float>* gradient : {&bias, &sinks}) {
      if (gradient->present()) gradient->fill(std::numeric_limits<float>::quiet_NaN());
    }
  }

  NarrowTensor output;
  PaddedTensor<float> lse, bias, sinks;
};

/// Forward and backward in 16 bits, in just the scratch that is declared.
BackwardAnswer backward_in(const AttentionCase& problem, DType dtype, Isa isa, Passed& passed,
                           Executor& executor = serial_executor()) {
  const NarrowTensor query(problem.query, dtype), key(problem.key, dtype), value(problem.value, dtype),
      output_gradient(problem.output_gradient, dtype);
  const AttentionOptions options = problem.options(isa);
  Status status =
      attention({query.view(), key.view(), value.view(), passed.output.view(), passed.lse.view(), {}},
                options, executor);
  EXPECT_TRUE(status.ok()) << status.message();

  NarrowTensor dq(query), dk(key), dv(value);
  AttentionGradientTensors tensors = {
      query.view(), key.view(), value.view(), passed.output.view(), passed.lse.view(), output_gradient.view(),
      dq.view(),    dk.view(),  dv.view()};
  if (passed.bias.present()) tensors.bias_gradient = passed.bias.view();
  if (passed.sinks.present()) tensors.sinks_gradient = passed.sinks.view();
  const size_t bytes = attention_backward_scratch_bytes(tensors, options, executor.workers()).value();
  std::vector<std::byte> memory(bytes + 64, std::byte{0xff});
  const size_t skew = 64 - reinterpret_cast<uintptr_t>(memory.data()) % 64;
  status = attention_backward(tensors, options, {executor, std::span(memory).subspan(skew % 64, bytes)});
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(dq.gaps_are_whole() && dk.gaps_are_whole() && dv.gaps_are_whole());
  return {dq.elements(), dk.elements(), dv.elements(), doubles(passed.bias), doubles(passed.sinks)};
}

BackwardAnswer backward_in(const AttentionCase& problem, DType dtype, Isa isa,
                           Executor& executor = serial_executor()) {
  Passed passed(problem, dtype);
  return backward_in(problem, dtype, isa, passed, executor);
}

/// The float32 call on the same operands, its gradients of query, key and value rounded to `dtype`.
BackwardAnswer twin_of(const AttentionCase& problem, DType dtype, Isa isa, Passed& passed) {
  const Sizes& n = problem.spec().sizes;
  PaddedTensor<float> output({n.B, n.Hq, n.Tq, n.Dv}, Layout::kDense), dq = problem.query, dk = problem.key,
                                                                       dv = problem.value;
  const std::vector<double> numbers = passed.output.elements();
  output.set_elements({numbers.begin(), numbers.end()});
  AttentionGradientTensors tensors = {problem.query.view(),
                                      problem.key.view(),
                                      problem.value.view(),
                                      output.view(),
                                      passed.lse.view(),
                                      problem.output_gradient.view(),
                                      dq.view(),
                                      dk.view(),
                                      dv.view()};
  if (passed.bias.present()) tensors.bias_gradient = passed.bias.view();
  if (passed.sinks.present()) tensors.sinks_gradient = passed.sinks.view();
  const Status status = attention_backward(tensors, problem.options(isa), serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
  const auto rounded = [&](const PaddedTensor<float>& gradient) {
    return NarrowTensor(gradient, dtype).elements();
  };
  return {rounded(dq), rounded(dk), rounded(dv), doubles(passed.bias), doubles(passed.sinks)};
}

void expect_equal(const BackwardAnswer& actual, const BackwardAnswer& expected) {
  EXPECT_EQ(actual.query, expected.query);
  EXPECT_EQ(actual.key, expected.key);
  EXPECT_EQ(actual.value, expected.value);
  EXPECT_EQ(actual.bias, expected.bias);
  EXPECT_EQ(actual.sinks, expected.sinks);
}

void expect_one_rounding(const CaseSpec& spec) {
  for (const DType dtype : kTypes) {
    AttentionCase problem(spec);
    round_operands(problem, dtype);
    const BackwardAnswer exact = problem.exact_backward(), plain = backward_in(problem, dtype, Isa::kScalar);
    const AttentionCase::Magnitudes magnitude = problem.gradient_magnitudes();
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message()
                   << name(isa) << (dtype == DType::kFloat16 ? " half: " : " bfloat16: ") << spec);
      Passed passed(problem, dtype);
      const BackwardAnswer actual = backward_in(problem, dtype, isa, passed);
      expect_equal(actual, twin_of(problem, dtype, isa, passed));
      EXPECT_TRUE(as_good_as_plain(actual.query, plain.query, exact.query, 3, magnitude.query));
      EXPECT_TRUE(as_good_as_plain(actual.key, plain.key, exact.key, 3, magnitude.key));
      EXPECT_TRUE(as_good_as_plain(actual.value, plain.value, exact.value, 3, magnitude.value));
      EXPECT_TRUE(as_good_as_plain(actual.bias, plain.bias, exact.bias, 3, magnitude.bias));
      EXPECT_TRUE(as_good_as_plain(actual.sinks, plain.sinks, exact.sinks, 3, magnitude.sinks));
    }
  }
}

TEST(BackwardInSixteenBits, RoundsOnceAtAwkwardSizes) {
  for (const int64_t T : kAwkward) {
    expect_one_rounding({.sizes = {1, 2, 1, T, 70, 17, 9}});
    expect_one_rounding({.sizes = {1, 2, 2, 20, T, 9, 17}, .causal = Causal::kUpperLeft});
    expect_one_rounding({.sizes = {1, 1, 1, 19, 70, T, 5}});
    expect_one_rounding({.sizes = {1, 1, 1, 19, 70, 5, T}});
  }
}

TEST(BackwardInSixteenBits, RoundsOnceOverManyPairsOfBlocks) {
  expect_one_rounding({.sizes = {2, 4, 2, 400, 530, 16, 24}, .causal = Causal::kLowerRight, .ragged = true});
}

TEST(BackwardInSixteenBits, TakesEveryOption) {
  for (const CaseSpec& spec : combined()) expect_one_rounding(spec);
}

TEST(BackwardInSixteenBits, TurnsGradientsBackBeforeRounding) {
  for (const CaseSpec& spec : turned_by_positions()) {
    if (spec.sizes.Tq < 100) expect_one_rounding(spec);
  }
}

/// That they are the derivatives: a step along a direction moves the float64 objective by the gradient's
/// share.
TEST(BackwardInSixteenBits, AreTheDerivativesOfTheFloat64Objective) {
  AttentionCase problem({.sizes = {1, 2, 1, 20, 30, 16, 12}, .causal = Causal::kLowerRight, .rope = {12}});
  round_operands(problem, DType::kFloat16);
  const auto objective = [&] {
    const std::vector<double> output = problem.exact_forward().output;
    const std::vector<float> gradient = problem.output_gradient.elements();
    double sum = 0;
    for (size_t i = 0; i < output.size(); ++i) sum += output[i] * double{gradient[i]};
    return sum;
  };
  for (const Isa isa : isas()) {
    const BackwardAnswer answer = backward_in(problem, DType::kFloat16, isa);
    for (const auto& [operand, gradient] : {std::pair{&problem.query, &answer.query},
                                            {&problem.key, &answer.key},
                                            {&problem.value, &answer.value}}) {
      const std::vector<float> at = operand->elements();
      std::vector<float> above = at, below = at;
      double expected = 0;
      for (size_t i = 0; i < at.size(); ++i) {
        const float direction = static_cast<float>(RandomKey(5).normal(i));
        above[i] = at[i] + 0.001f * direction;
        below[i] = at[i] - 0.001f * direction;
        expected += (*gradient)[i] * (double{above[i]} - double{below[i]});
      }
      operand->set_elements(above);
      const double high = objective();
      operand->set_elements(below);
      const double low = objective();
      operand->set_elements(at);
      EXPECT_NEAR(high - low, expected, 2e-3 * std::abs(expected) + 2e-5) << name(isa);
    }
  }
}

TEST(BackwardInSixteenBits, TheNumberOfWorkersDoesNotChangeABit) {
  for (const Isa isa : isas()) {
    for (const DType dtype : kTypes) {
      for (const CaseSpec& spec : combined()) {
        const AttentionCase problem(spec);
        expect_equal(backward_in(problem, dtype, isa, *make_thread_executor(3)),
                     backward_in(problem, dtype, isa));
      }
    }
  }
}

TEST(BackwardInSixteenBits, AMaskedNanNeverReachesAGradient) {
  for (const Isa isa : isas()) {
    for (const DType dtype : kTypes) {
      AttentionCase problem(
          {.sizes = {2, 2, 2, 70, 90, 20, 12}, .ragged = true, .mask = MaskKind::kKeysOnly});
      round_operands(problem, dtype);
      const BackwardAnswer clean = backward_in(problem, dtype, isa);
      problem.poison_unseen_keys(std::nanf(""));
      const BackwardAnswer poisoned = backward_in(problem, dtype, isa);
      // One step of bfloat16 where the sums' order tips a rounding.
      EXPECT_LE(largest_error(poisoned.query, clean.query), 0x1p-8 * largest(clean.query));
      EXPECT_LE(largest_error(poisoned.key, clean.key), 0x1p-8 * largest(clean.key));
      EXPECT_LE(largest_error(poisoned.value, clean.value), 0x1p-8 * largest(clean.value));
    }
  }
}

TEST(BackwardInSixteenBits, WithoutKeysOrQueriesTheGradientsAreZero) {
  for (const Isa isa : isas()) {
    for (const DType dtype : kTypes) {
      const BackwardAnswer no_keys =
          backward_in(AttentionCase({.sizes = {2, 2, 1, 20, 0, 8, 5}}), dtype, isa);
      EXPECT_EQ(no_keys.query, std::vector<double>(2 * 2 * 20 * 8, 0.0));
      const BackwardAnswer no_queries =
          backward_in(AttentionCase({.sizes = {2, 2, 1, 0, 300, 8, 5}}), dtype, isa);
      EXPECT_EQ(no_queries.key, std::vector<double>(2 * 300 * 8, 0.0));
      EXPECT_EQ(no_queries.value, std::vector<double>(2 * 300 * 5, 0.0));
    }
  }
}

TEST(BackwardInSixteenBits, RefusesGradientsAndSumsOfOtherTypes) {
  const AttentionCase problem({.sizes = {1, 1, 1, 4, 5, 8, 8}});
  const NarrowTensor query(problem.query, DType::kBFloat16), key(problem.key, DType::kBFloat16),
      value(problem.value, DType::kBFloat16), output({1, 1, 4, 8}, DType::kBFloat16);
  NarrowTensor dq(query), dk(key), dv(value), half(problem.key, DType::kFloat16);
  PaddedTensor<float> lse({1, 1, 4, 1}, Layout::kDense);
  const AttentionGradientTensors tensors = {query.view(),  key.view(), value.view(),
                                            output.view(), lse.view(), output.view(),
                                            dq.view(),     dk.view(),  dv.view()};
  AttentionGradientTensors other = tensors;
  other.key_gradient = half.view();
  EXPECT_EQ(attention_backward(other, {}, serial_executor()).message(),
            "key_gradient is float16, but query is bfloat16");
  other = tensors;
  other.lse.dtype = DType::kBFloat16;
  EXPECT_EQ(attention_backward(other, {}, serial_executor()).message(),
            "lse is bfloat16, but must be float32");
  EXPECT_TRUE(attention_backward(tensors, {}, serial_executor()).ok());
}

}  // namespace
}  // namespace attend
