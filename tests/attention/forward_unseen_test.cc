// What a query does not see, and numbers at the ends of float32: nothing of the one reaches an output, and
// the others are numbers like any.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "attend/attention.h"
#include "attention/attention_case.h"
#include "attention/case_lists.h"

namespace attend {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

/// Queries of both kernels: few, and more than a panel.
constexpr int64_t kFewAndMany[] = {3, 70};

TEST(AttentionForward, AQueryThatSeesNoKeyGetsZerosAndMinusInfinity) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      const AttentionCase problem({.sizes = {1, 1, 1, Tq, 66, 8, 8}, .mask = MaskKind::kOneRowAllMasked});
      const ForwardAnswer answer = problem.forward(isa);
      const size_t row = static_cast<size_t>(Tq) / 2;
      EXPECT_EQ(answer.lse[row], kMinusInfinity);
      for (size_t d = 0; d < 8; ++d) EXPECT_EQ(answer.output[row * 8 + d], 0);
      for (size_t j = 0; j < 66; ++j) EXPECT_EQ(answer.weights[row * 66 + j], 0);
    }
  }
}

TEST(AttentionForward, WithoutKeysTheOutputIsZero) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      const ForwardAnswer answer = AttentionCase({.sizes = {2, 2, 1, Tq, 0, 8, 5}}).forward(isa);
      EXPECT_EQ(answer.output, std::vector<double>(static_cast<size_t>(2 * 2 * Tq * 5), 0.0));
      EXPECT_EQ(answer.lse, std::vector<double>(static_cast<size_t>(2 * 2 * Tq), kMinusInfinity));
    }
  }
}

TEST(AttentionForward, WithoutQueriesOrBatchRowsThereIsNothingToDo) {
  for (const Isa isa : isas()) {
    EXPECT_TRUE(AttentionCase({.sizes = {2, 2, 1, 0, 9, 8, 5}}).forward(isa).output.empty());
    EXPECT_TRUE(AttentionCase({.sizes = {0, 2, 1, 9, 9, 8, 5}}).forward(isa).output.empty());
  }
}

TEST(AttentionForward, AMaskedNanNeverReachesTheOutput) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      for (const float poison : {kNan, std::numeric_limits<float>::infinity()}) {
        SCOPED_TRACE(::testing::Message() << name(isa) << " Tq " << Tq << " poison " << poison);
        AttentionCase problem(
            {.sizes = {2, 2, 2, Tq, 90, 20, 12}, .ragged = true, .mask = MaskKind::kKeysOnly});
        const ForwardAnswer clean = problem.forward(isa);
        problem.poison_unseen_keys(poison);
        const ForwardAnswer poisoned = problem.forward(isa);
        EXPECT_EQ(poisoned.output, clean.output);
        EXPECT_EQ(poisoned.lse, clean.lse);
        EXPECT_EQ(poisoned.weights, clean.weights);
      }
    }
  }
}

TEST(AttentionForward, ANanBehindABiasOfMinusInfinityNeverReachesTheOutput) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      for (const float softcap : {0.0f, 5.0f}) {
        SCOPED_TRACE(::testing::Message() << name(isa) << " Tq " << Tq << " softcap " << softcap);
        AttentionCase problem({.sizes = {2, 2, 2, Tq, 90, 20, 12},
                               .bias = BiasKind::kKeys,
                               .alibi = true,
                               .softcap = softcap,
                               .sinks = true,
                               .dropout = 0.1f});
        const ForwardAnswer clean = problem.forward(isa);
        problem.poison_unseen_keys(kNan);
        const ForwardAnswer poisoned = problem.forward(isa);
        EXPECT_EQ(poisoned.output, clean.output);
        EXPECT_EQ(poisoned.lse, clean.lse);
        EXPECT_EQ(poisoned.weights, clean.weights);
        EXPECT_EQ(poisoned.head_mean, clean.head_mean);
        EXPECT_EQ(poisoned.column_sums, clean.column_sums);
      }
    }
  }
}

TEST(AttentionForward, ABiasOfNanThatIsMaskedReachesNothing) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      AttentionCase problem(
          {.sizes = {1, 2, 2, Tq, 90, 20, 12}, .mask = MaskKind::kFull, .bias = BiasKind::kFull});
      const ForwardAnswer clean = problem.forward(isa);
      for (int64_t h = 0; h < 2; ++h) {
        for (int64_t i = 0; i < Tq; ++i) {
          for (int64_t j = 0; j < 90; ++j) {
            if (!problem.mask.at(0, h, i, j)) problem.bias.at(0, h, i, j) = kNan;
          }
        }
      }
      const ForwardAnswer poisoned = problem.forward(isa);
      EXPECT_EQ(poisoned.output, clean.output) << name(isa);
      EXPECT_EQ(poisoned.weights, clean.weights) << name(isa);
    }
  }
}

TEST(AttentionForward, ASinkLeavesAQueryThatSeesNoKeyAtZeroAndMinusInfinity) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      const AttentionCase problem(
          {.sizes = {1, 1, 1, Tq, 66, 8, 8}, .mask = MaskKind::kOneRowAllMasked, .sinks = true});
      const ForwardAnswer answer = problem.forward(isa);
      const size_t row = static_cast<size_t>(Tq) / 2;
      EXPECT_EQ(answer.lse[row], kMinusInfinity);
      for (size_t d = 0; d < 8; ++d) EXPECT_EQ(answer.output[row * 8 + d], 0);
      for (size_t j = 0; j < 66; ++j) EXPECT_EQ(answer.weights[row * 66 + j], 0);
    }
  }
}

TEST(AttentionForward, ASinkMayOutweighEveryKeyAndNoneWeighsNothing) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      AttentionCase problem({.sizes = {1, 2, 2, Tq, 66, 8, 8}, .sinks = true});
      problem.sinks.at(0, 0, 0, 0) = 1e4f;
      problem.sinks.at(0, 1, 0, 0) = -std::numeric_limits<float>::infinity();
      const ForwardAnswer answer = problem.forward(isa);
      const ForwardAnswer plain = AttentionCase({.sizes = {1, 2, 2, Tq, 66, 8, 8}}).forward(isa);
      const size_t half = answer.output.size() / 2, rows = static_cast<size_t>(Tq);
      for (size_t x = 0; x < half; ++x) {
        EXPECT_EQ(answer.output[x], 0);
        EXPECT_EQ(answer.output[half + x], plain.output[half + x]);
      }
      for (size_t i = 0; i < rows; ++i) {
        EXPECT_NEAR(answer.lse[i], 1e4, 1e-2);
        EXPECT_EQ(answer.lse[rows + i], plain.lse[rows + i]);
      }
    }
  }
}

/// Float32 and float64 tell no two scores apart at -FLT_MAX.
TEST(AttentionForward, KeysThatAllHaveTheLeastBiasShareAlike) {
  constexpr float kLeast = std::numeric_limits<float>::lowest();
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      AttentionCase problem({.sizes = {1, 1, 1, Tq, 90, 8, 8}, .bias = BiasKind::kOneNumber});
      problem.bias.fill(kLeast);
      const ForwardAnswer answer = problem.forward(isa);
      EXPECT_EQ(answer.lse, std::vector<double>(static_cast<size_t>(Tq), kLeast)) << name(isa);
      for (const double weight : answer.weights) ASSERT_NEAR(weight, 1.0 / 90, 0x1p-29) << name(isa);
    }
  }
}

/// Scores of 0, 1, 2 and 3, whatever makes them; of the third kind, all softcap.
TEST(AttentionForward, AScaleAndASoftcapFarApartGiveTheSameScores) {
  struct Kind {
    float scale, softcap, query;
    bool capped;
  };
  for (const Kind& kind :
       {Kind{1, 0, 1, false}, Kind{1e-12f, 1e30f, 1e12f, false}, Kind{1e-25f, 1e37f, 1e25f, false},
        Kind{1e25f, 0, 1e-25f, false}, Kind{1, 1e-30f, 1.5e8f, true}, Kind{1e9f, 1e-30f, 1, true}}) {
    SCOPED_TRACE(::testing::Message() << "scale " << kind.scale << " softcap " << kind.softcap);
    const float keys[] = {0, 1, 2, 3}, values[] = {1, 2, 4, 8};
    float output = -1, lse = -1;
    const AttentionTensors tensors = {{&kind.query, Shape{1, 1, 1, 1}}, {keys, Shape{1, 1, 4, 1}},
                                      {values, Shape{1, 1, 4, 1}},      {&output, Shape{1, 1, 1, 1}},
                                      {&lse, Shape{1, 1, 1, 1}},        {}};
    AttentionOptions options;
    options.scale = kind.scale;
    options.softcap = kind.softcap;
    ASSERT_TRUE(attention(tensors, options, serial_executor()).ok());
    double sum = 0, weighted = 0;
    for (int j = 0; j < 4; ++j) {
      sum += std::exp(kind.capped ? 0 : j);
      weighted += std::exp(kind.capped ? 0 : j) * static_cast<double>(values[j]);
    }
    EXPECT_NEAR(output, weighted / sum, 1e-5);
    EXPECT_NEAR(lse, std::log(sum), 1e-5);
  }
}

TEST(AttentionForward, TheLargestFloatIsASinkASoftcapOrASlopeLikeAnother) {
  constexpr float kLargest = std::numeric_limits<float>::max();
  for (const int64_t Tq : kFewAndMany) {
    AttentionCase sink({.sizes = {1, 2, 2, Tq, 66, 8, 8}, .sinks = true});
    sink.sinks.fill(kLargest);
    // Beside its own key, at distance 0, no key counts.
    AttentionCase slope({.sizes = {1, 2, 2, Tq, Tq, 8, 8}, .alibi = true});
    slope.alibi_slopes.fill(kLargest);
    const AttentionCase cap({.sizes = {1, 2, 2, Tq, 66, 8, 8}, .softcap = kLargest});
    const ForwardAnswer uncapped = AttentionCase({.sizes = {1, 2, 2, Tq, 66, 8, 8}}).exact_forward();
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message() << name(isa) << " Tq " << Tq);
      const ForwardAnswer outweighed = sink.forward(isa), lonely = slope.forward(isa),
                          capped = cap.forward(isa);
      EXPECT_EQ(outweighed.output, std::vector<double>(outweighed.output.size(), 0.0));
      EXPECT_EQ(outweighed.lse, std::vector<double>(outweighed.lse.size(), kLargest));
      EXPECT_EQ(lonely.output, slope.exact_forward().output);
      EXPECT_LT(largest_error(capped.output, uncapped.output), 4e-6);
      EXPECT_LT(largest_error(capped.lse, uncapped.lse), 4e-6);
    }
  }
}

TEST(AttentionForward, AnyByteOfAMaskButZeroIsTrue) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      AttentionCase problem({.sizes = {1, 2, 2, Tq, 131, 8, 8}, .mask = MaskKind::kFull});
      const ForwardAnswer clean = problem.forward(isa);
      const TensorView view = std::as_const(problem.mask).view();
      auto* const bytes = static_cast<uint8_t*>(problem.mask.view().data);
      constexpr uint8_t kTrue[] = {1, 255, 2, 128, 254};
      for (int64_t at = 0; at < dense_strides(view.shape)[0]; ++at)
        bytes[at] = bytes[at] != 0 ? kTrue[at % 5] : 0;
      const ForwardAnswer answer = problem.forward(isa);
      EXPECT_EQ(answer.output, clean.output) << name(isa);
      EXPECT_EQ(answer.weights, clean.weights) << name(isa);
    }
  }
}

TEST(AttentionForward, ANanThatSomeQueriesSeeReachesOnlyThose) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      AttentionCase problem({.sizes = {1, 1, 1, Tq, Tq, 8, 8}, .causal = Causal::kUpperLeft});
      const int64_t poisoned = Tq / 2;
      const ForwardAnswer clean = problem.forward(isa);
      for (int64_t d = 0; d < 8; ++d) problem.value.at(0, 0, poisoned, d) = kNan;
      const ForwardAnswer answer = problem.forward(isa);
      for (int64_t i = 0; i < Tq; ++i) {
        const size_t at = static_cast<size_t>(i * 8);
        SCOPED_TRACE(::testing::Message() << name(isa) << " query " << i);
        if (i < poisoned) {
          EXPECT_NEAR(answer.output[at], clean.output[at], 1e-6);
        } else {
          EXPECT_TRUE(std::isnan(answer.output[at]));
        }
      }
    }
  }
}

TEST(AttentionForward, AVisibleNanSpoilsItsRowButGivesMaskedKeysNoWeight) {
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      AttentionCase problem({.sizes = {1, 1, 1, Tq, 70, 8, 8}, .mask = MaskKind::kKeysOnly});
      for (int64_t j = 0; j < 70; ++j) problem.mask.at(0, 0, 0, j) = j % 3 != 0;
      problem.key.at(0, 0, 4, 0) = kNan;
      const ForwardAnswer answer = problem.forward(isa);
      for (size_t j = 0; j < 70; ++j) {
        SCOPED_TRACE(::testing::Message() << name(isa) << " key " << j);
        EXPECT_TRUE(j % 3 == 0 ? answer.weights[j] == 0 : std::isnan(answer.weights[j]));
      }
    }
  }
}

TEST(AttentionForward, KeysOutsideEveryWindowAreNotRead) {
  // Queries stand at keys 20 .. 20 + Tq - 1 and see 4 keys back; the memory of the others is not the test's.
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      const auto count = static_cast<size_t>(Tq + 4);
      std::vector<float> query(static_cast<size_t>(Tq * 16), 0.5f), key(count * 16, 0.25f),
          value(count * 16, 2.0f);
      std::array<float, 4096> memory{};  // on the stack, where no claim reaches
      const std::span<float> output = std::span(memory).first(query.size());
      const int64_t offset = 20, Tk = Tq + 40;
      AttentionOptions options;
      options.query_offset = std::span(&offset, 1);
      options.window = {.left = 4, .right = 0};
      options.isa = isa;
      ASSERT_TRUE(attention({{query.data(), Shape{1, 1, Tq, 16}},
                             {key.data() - 16 * 16, Shape{1, 1, Tk, 16}},
                             {value.data() - 16 * 16, Shape{1, 1, Tk, 16}},
                             {output.data(), Shape{1, 1, Tq, 16}},
                             {},
                             {}},
                            options, serial_executor())
                      .ok());
      for (const float x : output) EXPECT_NEAR(x, 2.0f, 1e-6f);
    }
  }
}

TEST(AttentionForward, RowsPastALengthAreNotRead) {
  // The tensors claim 40 keys, but the memory ends after the 13 that the lengths allow: a sanitizer sees any
  // excess. The output is on the stack, where no claim reaches.
  for (const Isa isa : isas()) {
    for (const int64_t Tq : kFewAndMany) {
      std::vector<float> query(static_cast<size_t>(Tq * 16), 0.5f), key(13 * 16, 0.25f), value(13 * 16, 2.0f);
      std::array<float, 4096> memory{};
      const std::span<float> output = std::span(memory).first(static_cast<size_t>(Tq * 16));
      const int64_t length = 13;
      AttentionOptions options;
      options.kv_lengths = std::span(&length, 1);
      options.isa = isa;
      ASSERT_TRUE(attention({{query.data(), Shape{1, 1, Tq, 16}},
                             {key.data(), Shape{1, 1, 40, 16}},
                             {value.data(), Shape{1, 1, 40, 16}},
                             {output.data(), Shape{1, 1, Tq, 16}},
                             {},
                             {}},
                            options, serial_executor())
                      .ok());
      for (const float x : output) EXPECT_NEAR(x, 2.0f, 1e-6f);
    }
  }
}

}  // namespace
}  // namespace attend
