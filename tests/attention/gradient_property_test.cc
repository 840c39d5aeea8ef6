// What is true of gradients whatever the numbers: identities of the softmax, on every instruction set.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "attend/attention.h"
#include "attention/attention_case.h"
#include "attention/drawn_case.h"
#include "attention/rounding_bound.h"

namespace attend {
namespace {

constexpr int kDraws = 25;

/// What a kernel made of a problem, and how far each number may be off.
struct Made {
  const AttentionCase& problem;
  ForwardAnswer forward;
  BackwardAnswer gradients, bound;
};

template <class Adapt, class Body>
void for_drawn(uint64_t stream, Adapt&& adapt, Body&& body) {
  for (int draw = 0; draw < kDraws; ++draw) {
    Choices choices(RandomKey(stream).child(static_cast<uint64_t>(draw)));
    CaseSpec spec = draw_case(choices);
    spec.layout = Layout::kDense;
    adapt(spec);
    const AttentionCase problem(spec);
    const BackwardAnswer bound = backward_bound(problem, problem.exact_forward());
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message() << name(isa) << ": " << spec);
      body(Made{problem, problem.forward(isa), problem.backward(isa), bound}, isa);
    }
  }
}

/// Sums of gradient times number, and of bound times |number|, over batch row b and head h.
struct Sum {
  double value = 0, bound = 0;
};
Sum inner_product(const PaddedTensor<float>& numbers, const std::vector<double>& gradient,
                  const std::vector<double>& bound, int64_t b, int64_t h) {
  const Shape& s = numbers.shape();
  Sum sum;
  for (int64_t t = 0; t < s[2]; ++t) {
    for (int64_t d = 0; d < s[3]; ++d) {
      const auto at = static_cast<size_t>(((b * s[1] + h) * s[2] + t) * s[3] + d);
      const double x = numbers.at(b, h, t, d);
      sum.value += x * gradient[at];
      sum.bound += std::abs(x) * bound[at];
    }
  }
  return sum;
}

TEST(GradientProperties, EveryDrawnGradientIsWithinTheBoundsOfRounding) {
  for (uint64_t draw = 0; draw < kDraws; ++draw) {
    Choices choices(RandomKey(1).child(draw));
    const AttentionCase problem(draw_turned_case(choices));
    const BackwardAnswer exact = problem.exact_backward(),
                         bound = backward_bound(problem, problem.exact_forward());
    for (const Isa isa : isas())
      EXPECT_TRUE(within(bound, problem.backward(isa), exact)) << name(isa) << ": " << problem.spec();
  }
}

TEST(GradientProperties, ScoreGradientsOfAQuerySumToZeroAndTheSinkTakesTheRest) {
  // sum_j ds_j + dsink = 0: a number added to every score of a row, and to the sink, changes nothing.
  const auto adapt = [](CaseSpec& spec) { spec.bias = BiasKind::kHeads; };
  for_drawn(2, adapt, [](const Made& made, Isa) {
    const Sizes& n = made.problem.spec().sizes;
    const auto scores = static_cast<size_t>(n.Tq * n.Tk);
    for (size_t h = 0; h < static_cast<size_t>(n.Hq); ++h) {
      Sum sum;
      for (size_t x = h * scores; x < (h + 1) * scores; ++x) {
        sum.value += made.gradients.bias[x];
        sum.bound += made.bound.bias[x];
      }
      if (made.problem.spec().sinks) {
        sum.value += made.gradients.sinks[h];
        sum.bound += made.bound.sinks[h];
      }
      EXPECT_LE(std::abs(sum.value), sum.bound) << "head " << h;
    }
  });
}

TEST(GradientProperties, QueriesAndKeysHaveOneInnerProductWithTheirGradients) {
  // Both are sum_ij ds'_ij scale <q_i, k_j>: scores do not change when queries grow as keys shrink.
  for_drawn(
      3, [](CaseSpec&) {},
      [](const Made& made, Isa) {
        const AttentionCase& p = made.problem;
        const Sizes& n = p.spec().sizes;
        for (int64_t b = 0; b < n.B; ++b) {
          for (int64_t kv = 0; kv < n.Hkv; ++kv) {
            const Sum keys = inner_product(p.key, made.gradients.key, made.bound.key, b, kv);
            Sum queries;
            for (int64_t h = kv * n.group(); h < (kv + 1) * n.group(); ++h) {
              const Sum one = inner_product(p.query, made.gradients.query, made.bound.query, b, h);
              queries.value += one.value;
              queries.bound += one.bound;
            }
            EXPECT_LE(std::abs(queries.value - keys.value), queries.bound + keys.bound);
          }
        }
      });
}

TEST(GradientProperties, ValuesAndTheirGradientsHaveTheInnerProductOfTheOutputs) {
  // sum_j <v_j, dv_j> = sum_i <o_i, do_i>: the output is linear in the values.
  for_drawn(
      4, [](CaseSpec&) {},
      [](const Made& made, Isa) {
        const AttentionCase& p = made.problem;
        const Sizes& n = p.spec().sizes;
        const ForwardAnswer exact = p.exact_forward(), bound = forward_bound(p, exact);
        for (int64_t b = 0; b < n.B; ++b) {
          for (int64_t kv = 0; kv < n.Hkv; ++kv) {
            const Sum values = inner_product(p.value, made.gradients.value, made.bound.value, b, kv);
            Sum outputs;
            for (int64_t h = kv * n.group(); h < (kv + 1) * n.group(); ++h) {
              const Sum one = inner_product(p.output_gradient, made.forward.output, bound.output, b, h);
              outputs.value += one.value;
              outputs.bound += one.bound;
            }
            EXPECT_LE(std::abs(values.value - outputs.value), values.bound + outputs.bound);
          }
        }
      });
}

TEST(GradientProperties, AnOutputGradientTimesAPowerOfTwoIsGradientsTimesThatPower) {
  const auto without_underflow = [](CaseSpec& spec) {
    spec.magnitude = 1;
    spec.scale = {};
  };
  for_drawn(5, without_underflow, [](const Made& made, Isa isa) {
    AttentionCase other = made.problem;
    std::vector<float> numbers = other.output_gradient.elements();
    for (float& x : numbers) x *= 0x1p20f;
    other.output_gradient.set_elements(numbers);
    BackwardAnswer expected = made.gradients;
    for (std::vector<double>* list :
         {&expected.query, &expected.key, &expected.value, &expected.bias, &expected.sinks}) {
      for (double& x : *list) x *= 0x1p20;
    }
    EXPECT_TRUE(other.backward(isa) == expected);
  });
}

}  // namespace
}  // namespace attend
