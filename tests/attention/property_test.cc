// What is true of attention whatever the numbers: on every instruction set, for problems of every kind.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "attend/attention.h"
#include "attention/attention_case.h"
#include "attention/drawn_case.h"
#include "attention/rounding_bound.h"

namespace attend {
namespace {

constexpr int kDraws = 40;

/// Calls body(problem, isa) for drawn problems, as changed by `adapt`, on every instruction set.
template <class Adapt, class Body>
void for_drawn(uint64_t stream, Adapt&& adapt, Body&& body) {
  for (int draw = 0; draw < kDraws; ++draw) {
    Choices choices(RandomKey(stream).child(static_cast<uint64_t>(draw)));
    CaseSpec spec = draw_case(choices);
    adapt(spec);
    const AttentionCase problem(spec);
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message() << name(isa) << ": " << spec);
      body(problem, isa);
    }
  }
}

/// Only the bias and the mask tell keys apart, not where they stand.
void without_positions(CaseSpec& spec) {
  spec.causal = Causal::kNone;
  spec.window = {};
  spec.offset = {};
  spec.ragged = spec.alibi = false;
  spec.dropout = 0;
}

/// Weights are so large that their products with values are normal numbers.
void without_underflow(CaseSpec& spec) {
  spec.magnitude = 1;
  spec.scale = {};
}

/// Element [.., j, ..] along `axis` of the result is [.., order[j], ..] of the tensor; axes of size 1 stay.
template <class T>
void reorder(PaddedTensor<T>& tensor, size_t axis, const std::vector<int64_t>& order) {
  if (!tensor.present() || tensor.shape()[axis] != static_cast<int64_t>(order.size())) return;
  const PaddedTensor<T> before = tensor;
  const Shape& s = tensor.shape();
  for (int64_t b = 0; b < s[0]; ++b)
    for (int64_t h = 0; h < s[1]; ++h)
      for (int64_t t = 0; t < s[2]; ++t)
        for (int64_t d = 0; d < s[3]; ++d) {
          int64_t at[4] = {b, h, t, d};
          at[axis] = order[static_cast<size_t>(at[axis])];
          tensor.at(b, h, t, d) = before.at(at[0], at[1], at[2], at[3]);
        }
}

/// A permutation without a fixed pattern.
std::vector<int64_t> shuffled(int64_t count, uint64_t seed) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[RandomKey(seed).below(i, i)]);
  return order;
}

TEST(AttentionProperties, EveryDrawnAnswerIsWithinTheBoundsOfRounding) {
  for (uint64_t draw = 0; draw < kDraws; ++draw) {
    Choices choices(RandomKey(1).child(draw));
    const AttentionCase problem(draw_turned_case(choices));
    const ForwardAnswer exact = problem.exact_forward(), bound = forward_bound(problem, exact);
    for (const Isa isa : isas())
      EXPECT_TRUE(within(bound, problem.forward(isa), exact)) << name(isa) << ": " << problem.spec();
  }
}

TEST(AttentionProperties, TheOrderOfKeysMattersToRoundingAlone) {
  for_drawn(2, without_positions, [](const AttentionCase& problem, Isa isa) {
    AttentionCase other = problem;
    const std::vector<int64_t> order = shuffled(problem.spec().sizes.Tk, problem.spec().seed);
    reorder(other.key, 2, order);
    reorder(other.value, 2, order);
    reorder(other.bias, 3, order);
    reorder(other.mask, 3, order);
    const ForwardAnswer exact = problem.exact_forward(), bound = forward_bound(problem, exact),
                        answer = other.forward(isa);
    EXPECT_TRUE(within(bound.output, answer.output, exact.output));
    EXPECT_TRUE(within(bound.lse, answer.lse, exact.lse));
  });
}

TEST(AttentionProperties, TheLeastFiniteBiasMakesTheKeysThatAreSeenAlike) {
  constexpr float kLeast = std::numeric_limits<float>::lowest();
  const auto adapt = [](CaseSpec& spec) {
    spec.bias = BiasKind::kOneNumber;
    spec.sinks = false;
  };
  for_drawn(12, adapt, [](const AttentionCase& drawn, Isa isa) {
    AttentionCase problem = drawn;
    problem.bias.fill(kLeast);
    const ForwardAnswer answer = problem.forward(isa);
    const Sizes& n = problem.spec().sizes;
    for (int64_t row = 0; row < n.B * n.Hq * n.Tq; ++row) {
      const int64_t b = row / n.Tq / n.Hq, h = row / n.Tq % n.Hq, i = row % n.Tq;
      int64_t seen = 0;
      for (int64_t j = 0; j < n.Tk; ++j) seen += problem.sees(b, h, i, j);
      ASSERT_EQ(answer.lse[static_cast<size_t>(row)],
                seen == 0 ? -std::numeric_limits<double>::infinity() : double{kLeast});
      for (int64_t j = 0; j < n.Tk; ++j) {
        const double share = problem.sees(b, h, i, j) ? 1 / static_cast<double>(seen) : 0;
        ASSERT_NEAR(answer.weights[static_cast<size_t>(row * n.Tk + j)], share, 0x1p-23 * share);
      }
    }
  });
}

TEST(AttentionProperties, ANumberAddedToEveryScoreOfARowMovesItsLogSumAlone) {
  const auto adapt = [](CaseSpec& spec) {
    spec.bias = BiasKind::kQueries;
    spec.sinks = false;
  };
  for_drawn(3, adapt, [](const AttentionCase& problem, Isa isa) {
    const ForwardAnswer before = problem.exact_forward();
    AttentionCase other = problem;
    std::vector<float> numbers = other.bias.elements();
    for (float& x : numbers) x += 8;  // exact for numbers this small, but for their last bits
    other.bias.set_elements(numbers);
    const ForwardAnswer bound = forward_bound(other, before), after = other.forward(isa);
    std::vector<double> moved = before.lse, loose = bound.lse;
    for (double& x : moved) x += 8;
    for (double& x : loose) x += 0x1p-20;
    EXPECT_TRUE(within(loose, after.lse, moved));
    EXPECT_TRUE(within(bound.weights, after.weights, before.weights));
    EXPECT_TRUE(within(bound.output, after.output, before.output));
  });
}

TEST(AttentionProperties, WhatLiesBetweenRowsAndBehindThemMovesNoBit) {
  for_drawn(
      4, [](CaseSpec& spec) { spec.layout = Layout::kDense; },
      [](const AttentionCase& problem, Isa isa) {
        CaseSpec spec = problem.spec();
        spec.layout = Layout::kGaps;  // full of NaN
        EXPECT_TRUE(AttentionCase(spec).forward(isa) == problem.forward(isa));
      });
}

TEST(AttentionProperties, KeysPastEveryLengthMoveNoBit) {
  const auto adapt = [](CaseSpec& spec) {
    spec.ragged = true;
    spec.mask = MaskKind::kNone;
    spec.bias = BiasKind::kNone;
    spec.layout = Layout::kDense;
  };
  for_drawn(5, adapt, [](const AttentionCase& problem, Isa isa) {
    AttentionCase other = problem;
    const Sizes& n = problem.spec().sizes;
    for (int64_t b = 0; b < n.B; ++b) {
      for (int64_t h = 0; h < n.Hkv; ++h) {
        for (int64_t j = problem.lengths[static_cast<size_t>(b)]; j < n.Tk; ++j) {
          for (int64_t d = 0; d < n.D; ++d) other.key.at(b, h, j, d) = NAN;
          for (int64_t d = 0; d < n.Dv; ++d) other.value.at(b, h, j, d) = NAN;
        }
      }
    }
    EXPECT_TRUE(other.forward(isa) == problem.forward(isa));
    EXPECT_TRUE(other.backward(isa) == problem.backward(isa));
  });
}

TEST(AttentionProperties, SharedKeyHeadsAreRepeatedOnes) {
  for_drawn(
      6, [](CaseSpec& spec) { spec.sizes.Hq = 2 * spec.sizes.Hkv; },
      [](const AttentionCase& problem, Isa isa) {
        const Sizes& n = problem.spec().sizes;
        AttentionCase other = problem;
        for (PaddedTensor<float> Operands<float>::*rows : {&AttentionCase::key, &AttentionCase::value}) {
          const PaddedTensor<float>& from = problem.*rows;
          PaddedTensor<float> to({n.B, n.Hq, n.Tk, from.shape()[3]}, Layout::kDense);
          for (int64_t b = 0; b < n.B; ++b)
            for (int64_t h = 0; h < n.Hq; ++h)
              for (int64_t j = 0; j < n.Tk; ++j)
                for (int64_t d = 0; d < from.shape()[3]; ++d)
                  to.at(b, h, j, d) = from.at(b, h / n.group(), j, d);
          other.*rows = to;
        }
        EXPECT_TRUE(other.forward(isa) == problem.forward(isa));
      });
}

TEST(AttentionProperties, AValueTimesAPowerOfTwoIsAnOutputTimesThatPower) {
  for_drawn(7, without_underflow, [](const AttentionCase& problem, Isa isa) {
    const ForwardAnswer before = problem.forward(isa);
    AttentionCase other = problem;
    std::vector<float> values = other.value.elements();
    for (float& x : values) x *= 0x1p20f;
    other.value.set_elements(values);
    ForwardAnswer expected = before;
    for (double& x : expected.output) x *= 0x1p20;
    EXPECT_TRUE(other.forward(isa) == expected);
  });
}

TEST(AttentionProperties, BatchRowsInAnotherOrderAreAnswersInThatOrder) {
  const auto adapt = [](CaseSpec& spec) {
    spec.sizes.B = 3;
    spec.layout = Layout::kDense;
    if (spec.offset.size() > 1) spec.offset.resize(3, 5);
    spec.dropout = 0;  // a function of the row's number
  };
  for_drawn(8, adapt, [](const AttentionCase& problem, Isa isa) {
    const std::vector<int64_t> order = {2, 0, 1};
    AttentionCase other = problem;
    for (PaddedTensor<float>* tensor : {&other.query, &other.key, &other.value, &other.bias})
      reorder(*tensor, 0, order);
    reorder(other.mask, 0, order);
    AttentionOptions options = other.options(isa);
    std::vector<int64_t> lengths, offsets;
    for (const int64_t b : order) {
      if (!options.kv_lengths.empty()) lengths.push_back(options.kv_lengths[static_cast<size_t>(b)]);
      if (options.query_offset.size() == 3) offsets.push_back(options.query_offset[static_cast<size_t>(b)]);
    }
    options.kv_lengths = lengths;
    if (!offsets.empty()) options.query_offset = offsets;
    const Sizes& n = problem.spec().sizes;
    PaddedTensor<float> output({n.B, n.Hq, n.Tq, n.Dv}, Layout::kDense);
    ASSERT_TRUE(attention({other.query.view(), other.key.view(), other.value.view(), output.view(), {}, {}},
                          options, serial_executor())
                    .ok());
    PaddedTensor<double> expected({n.B, n.Hq, n.Tq, n.Dv}, Layout::kDense);
    expected.set_elements(problem.forward(isa).output);
    reorder(expected, 0, order);
    const std::vector<float> answer = output.elements();
    EXPECT_EQ(std::vector<double>(answer.begin(), answer.end()), expected.elements());
  });
}

TEST(AttentionProperties, AnOutputLiesBetweenTheValuesThatItsQuerySees) {
  const auto adapt = [](CaseSpec& spec) {
    spec.sinks = false;
    spec.dropout = 0;
  };
  for_drawn(9, adapt, [](const AttentionCase& problem, Isa isa) {
    const Sizes& n = problem.spec().sizes;
    const std::vector<double> output = problem.forward(isa).output;
    size_t at = 0;
    for (int64_t b = 0; b < n.B; ++b) {
      for (int64_t h = 0; h < n.Hq; ++h) {
        for (int64_t i = 0; i < n.Tq; ++i) {
          for (int64_t d = 0; d < n.Dv; ++d, ++at) {
            double low = INFINITY, high = -INFINITY;
            for (int64_t j = 0; j < n.Tk; ++j) {
              if (!problem.sees(b, h, i, j)) continue;
              const double x = problem.value.at(b, h / n.group(), j, d);
              low = std::min(low, x);
              high = std::max(high, x);
            }
            if (low > high) low = high = 0;
            // The weights sum to one but for rounding.
            const double slack =
                0x1p-24 * static_cast<double>(2 * n.Tk + 16) * std::max(std::abs(low), std::abs(high));
            ASSERT_GE(output[at], low - slack);
            ASSERT_LE(output[at], high + slack);
          }
        }
      }
    }
  });
}

TEST(AttentionProperties, LaterKeysMoveNoBitOfEarlierQueries) {
  const auto adapt = [](CaseSpec& spec) {
    spec.sizes.B = 1;
    spec.sizes.Tq = spec.sizes.Tk;
    spec.causal = Causal::kUpperLeft;
    spec.offset = {};
    spec.layout = Layout::kDense;
  };
  for_drawn(10, adapt, [](const AttentionCase& problem, Isa isa) {
    const Sizes& n = problem.spec().sizes;
    AttentionCase other = problem;
    const int64_t first = n.Tk / 2;
    for (int64_t b = 0; b < n.B; ++b) {
      for (int64_t h = 0; h < n.Hkv; ++h) {
        for (int64_t j = first; j < n.Tk; ++j) {
          for (int64_t d = 0; d < n.D; ++d) other.key.at(b, h, j, d) *= -3;
          for (int64_t d = 0; d < n.Dv; ++d) other.value.at(b, h, j, d) += 1;
        }
      }
    }
    const ForwardAnswer before = problem.forward(isa), after = other.forward(isa);
    for (size_t row = 0; row < before.lse.size(); ++row) {
      if (static_cast<int64_t>(row) % n.Tq >= first) continue;
      ASSERT_EQ(after.lse[row], before.lse[row]);
      const size_t width = static_cast<size_t>(n.Dv);
      for (size_t d = row * width; d < (row + 1) * width; ++d) ASSERT_EQ(after.output[d], before.output[d]);
    }
  });
}

TEST(AttentionProperties, SummariesAreSumsOfTheWeights) {
  for_drawn(
      11, [](CaseSpec&) {},
      [](const AttentionCase& problem, Isa isa) {
        const Sizes& n = problem.spec().sizes;
        const ForwardAnswer answer = problem.forward(isa);
        const ForwardAnswer bound = forward_bound(problem, problem.exact_forward());
        std::vector<double> mean(answer.head_mean.size()), sums(answer.column_sums.size());
        for (size_t x = 0; x < answer.weights.size(); ++x) {
          const auto at = static_cast<int64_t>(x);
          const int64_t j = at % n.Tk, i = at / n.Tk % n.Tq, h = at / n.Tk / n.Tq % n.Hq,
                        b = at / n.Tk / n.Tq / n.Hq;
          mean[static_cast<size_t>((b * n.Tq + i) * n.Tk + j)] +=
              answer.weights[x] / static_cast<double>(n.Hq);
          sums[static_cast<size_t>((b * n.Hq + h) * n.Tk + j)] += answer.weights[x];
        }
        std::vector<double> twice = bound.head_mean, two = bound.column_sums;
        for (double& x : twice) x *= 2;
        for (double& x : two) x *= 2;
        EXPECT_TRUE(within(twice, answer.head_mean, mean));
        EXPECT_TRUE(within(two, answer.column_sums, sums));
      });
}

TEST(AttentionProperties, SummariesOfLargeScoresAreNumbersWhateverTheNumberOfLanes) {
  for (int64_t Tq = 1; Tq <= 33; ++Tq) {
    const AttentionCase problem({.sizes = {1, 2, 1, Tq, 5, 8, 8}, .magnitude = 200});
    const ForwardAnswer exact = problem.exact_forward(), bound = forward_bound(problem, exact);
    for (const Isa isa : isas()) {
      const ForwardAnswer answer = problem.forward(isa);
      EXPECT_TRUE(within(bound.column_sums, answer.column_sums, exact.column_sums))
          << name(isa) << " Tq " << Tq;
      EXPECT_TRUE(within(bound.head_mean, answer.head_mean, exact.head_mean)) << name(isa) << " Tq " << Tq;
    }
  }
}

}  // namespace
}  // namespace attend
