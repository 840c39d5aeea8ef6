// attention_varlen() against attention() on each sequence alone and on the padded batch, on every instruction
// set: to the bit.
#include "attend/varlen.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "attention/packed_case.h"
#include "base/arena.h"
#include "base/half.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

AttentionOptions causal(Causal order, Isa isa) {
  AttentionOptions options;
  options.causal = order;
  options.isa = isa;
  return options;
}

void expect_as_alone(const PackedSpec& spec) {
  const PackedCase problem(spec);
  for (const Isa isa : isas()) {
    const PackedAnswer packed = problem.forward(isa), alone = problem.forward_alone(isa);
    EXPECT_EQ(packed.output, alone.output) << name(isa) << ": " << spec;
    EXPECT_EQ(packed.lse, alone.lse) << name(isa) << ": " << spec;
  }
}

/// The lengths whose queries are too many for the kernel for few: the padded batch runs on the same kernel.
std::vector<SequenceLengths> many_queries() {
  return {{7, 9}, {64, 64}, {130, 200}, {9, 0}, {97, 8}, {65, 1}, {12, 300}};
}

std::vector<PackedSpec> every_option(const std::vector<SequenceLengths>& lengths) {
  constexpr float kLeast = std::numeric_limits<float>::lowest();
  std::vector<PackedSpec> specs = {{.lengths = lengths},
                                   {.lengths = lengths, .causal = Causal::kUpperLeft},
                                   {.lengths = lengths, .causal = Causal::kLowerRight},
                                   {.lengths = lengths, .causal = Causal::kQueryOffset, .offsets = true},
                                   {.lengths = lengths, .window = {20, 3}},
                                   {.lengths = lengths, .causal = Causal::kLowerRight, .window = {70, -1}},
                                   {.lengths = lengths, .window = {5, 5}, .offsets = true},
                                   {.lengths = lengths, .kv_lengths = true},
                                   {.lengths = lengths, .causal = Causal::kLowerRight, .kv_lengths = true},
                                   {.lengths = lengths, .mask = true},
                                   {.lengths = lengths, .key_mask = true},
                                   {.lengths = lengths, .bias = true},
                                   {.lengths = lengths, .bias = true, .far_bias = kLeast},
                                   {.lengths = lengths, .shared_bias = true, .far_bias = kLeast},
                                   {.lengths = lengths, .shared_bias = true},
                                   {.lengths = lengths, .alibi = true},
                                   {.lengths = lengths, .causal = Causal::kLowerRight, .alibi = true},
                                   {.lengths = lengths, .softcap = 2},
                                   {.lengths = lengths, .sinks = true},
                                   {.lengths = lengths, .dropout = 0.3f},
                                   many_options(lengths)};
  return specs;
}

TEST(AttentionVarlen, TurnsTheRowsOfEachSequenceByPositionsOfItsOwn) {
  for (const bool kv_lengths : {false, true}) {
    expect_as_alone(
        {.lengths = awkward_lengths(), .causal = Causal::kUpperLeft, .kv_lengths = kv_lengths, .rope = true});
  }
}

TEST(AttentionVarlen, HasTheBitsOfEachSequenceAlone) {
  for (const PackedSpec& spec : every_option(awkward_lengths())) expect_as_alone(spec);
}

TEST(AttentionVarlen, HasTheBitsOfThePaddedBatch) {
  for (const PackedSpec& spec : every_option(many_queries())) {
    const PackedCase problem(spec);
    for (const Isa isa : isas()) {
      const PackedAnswer packed = problem.forward(isa), padded = problem.forward_padded(isa);
      EXPECT_EQ(packed.output, padded.output) << name(isa) << ": " << spec;
      EXPECT_EQ(packed.lse, padded.lse) << name(isa) << ": " << spec;
    }
  }
}

TEST(AttentionVarlen, FollowsStrides) {
  for (const Layout layout : {Layout::kTimeMajor, Layout::kGaps}) {
    expect_as_alone({.lengths = awkward_lengths(), .causal = Causal::kLowerRight, .layout = layout});
    expect_as_alone({.lengths = {{3, 4}, {8, 2}}, .Hq = 6, .Hkv = 1, .D = 65, .Dv = 33, .layout = layout});
  }
}

TEST(AttentionVarlen, HasTheBitsOfACallOnASequenceOfItsOwn) {
  // Not by way of a batch: the second of three sequences, cut out of the packed tensors.
  const PackedCase problem({.lengths = {{70, 5}, {30, 40}, {2, 2}}, .causal = Causal::kLowerRight});
  for (const Isa isa : isas()) {
    const PackedAnswer packed = problem.forward(isa);
    PaddedTensor<float> output({1, 4, 30, 12}, Layout::kTimeMajor);
    const auto rows = [](TensorView view, int64_t first, int64_t count) {
      view.data = static_cast<const float*>(view.data) + first * view.stride[2];
      view.shape[2] = count;
      return view;
    };
    ASSERT_TRUE(attention({rows(problem.query.view(), 70, 30),
                           rows(problem.key.view(), 5, 40),
                           rows(problem.value.view(), 5, 40),
                           output.view(),
                           {},
                           {}},
                          causal(Causal::kLowerRight, isa), serial_executor())
                    .ok());
    const auto first = packed.output.begin() + 70 * 4 * 12;
    std::vector<float> alone;
    for (int64_t i = 0; i < 30; ++i) {
      for (int64_t h = 0; h < 4; ++h) {
        for (int64_t d = 0; d < 12; ++d) alone.push_back(output.at(0, h, i, d));
      }
    }
    EXPECT_EQ(std::vector<float>(first, first + 30 * 4 * 12), alone) << name(isa);
  }
}

TEST(AttentionVarlen, RunsInFloat64) {
  const PackedCase problem({.lengths = {{3, 4}, {0, 2}, {8, 7}, {2, 0}}});
  const PaddedTensor<double> query = problem.query.as<double>(), key = problem.key.as<double>(),
                             value = problem.value.as<double>();
  PaddedTensor<double> output({1, 4, 13, 12}, Layout::kDense);
  const PackedAttentionTensors tensors = {query.view(),         key.view(),         value.view(),
                                          problem.query_starts, problem.key_starts, output.view()};
  ASSERT_TRUE(attention_varlen(tensors, {}, serial_executor()).ok());
  const PackedAnswer plain = problem.forward(Isa::kScalar);
  size_t n = 0;
  for (int64_t i = 0; i < 13; ++i) {
    for (int64_t h = 0; h < 4; ++h) {
      for (int64_t d = 0; d < 12; ++d) EXPECT_NEAR(output.at(0, h, i, d), plain.output[n++], 1e-5);
    }
  }
}

/// The packed operands in 16 bits, and an output for them.
struct NarrowOperands {
  NarrowOperands(const PackedCase& problem, DType type) : dtype(type) {
    for (const auto& [wide, bits] : {std::pair{&problem.query, &query}, std::pair{&problem.key, &key},
                                     std::pair{&problem.value, &value}}) {
      for (const float x : wide->elements()) {
        bits->push_back(dtype == DType::kFloat16 ? float_to_half(x) : float_to_bfloat16(x));
      }
    }
    output.resize(query.size() / static_cast<size_t>(problem.spec().D) *
                  static_cast<size_t>(problem.spec().Dv));
    alone = output;
  }

  DType dtype;
  std::vector<uint16_t> query, key, value, output, alone;
};

TEST(AttentionVarlen, HasTheBitsOfEachSequenceAloneInSixteenBits) {
  const PackedCase problem({.lengths = awkward_lengths()});
  const int64_t total_q = problem.query_starts.back(), total_k = problem.key_starts.back();
  for (const DType dtype : {DType::kBFloat16, DType::kFloat16}) {
    NarrowOperands o(problem, dtype);
    const auto view = [dtype](auto& bits, int64_t heads, int64_t first, int64_t count, int64_t total,
                              int64_t width) {
      const Shape stride = {0, total * width, width, 1};
      return MutableTensorView(bits.data() + first * width, dtype, {1, heads, count, width}, stride);
    };
    for (const Isa isa : isas()) {
      const AttentionOptions options = causal(Causal::kUpperLeft, isa);
      const Status status = attention_varlen(
          {view(o.query, 4, 0, total_q, total_q, 20), view(o.key, 2, 0, total_k, total_k, 20),
           view(o.value, 2, 0, total_k, total_k, 12), problem.query_starts, problem.key_starts,
           view(o.output, 4, 0, total_q, total_q, 12)},
          options, serial_executor());
      ASSERT_TRUE(status.ok()) << status.message();
      for (size_t s = 0; s < problem.spec().lengths.size(); ++s) {
        const auto [queries, keys] = problem.spec().lengths[s];
        const int64_t q = problem.query_starts[s], k = problem.key_starts[s];
        const Status one = attention({view(o.query, 4, q, queries, total_q, 20),
                                      view(o.key, 2, k, keys, total_k, 20),
                                      view(o.value, 2, k, keys, total_k, 12),
                                      view(o.alone, 4, q, queries, total_q, 12),
                                      {},
                                      {}},
                                     options, serial_executor());
        ASSERT_TRUE(one.ok()) << one.message();
      }
      EXPECT_EQ(o.output, o.alone) << name(isa);
    }
  }
}

TEST(AttentionVarlen, DoesNotDependOnTheNumberOfWorkers) {
  PackedSpec spec = every_option(awkward_lengths()).back();
  spec.lengths.push_back({500, 400});
  const PackedCase problem(spec);
  for (const Isa isa : isas()) {
    const PackedAnswer serial = problem.forward(isa);
    for (const int workers : {1, 2, 3}) {
      const std::unique_ptr<Executor> threads = make_thread_executor(workers);
      EXPECT_EQ(problem.forward(isa, *threads), serial) << name(isa) << " workers " << workers;
    }
  }
}

TEST(AttentionVarlen, NeitherSeesNorTouchesOtherSequences) {
  PackedCase problem({.lengths = {{3, 70}, {40, 66}, {100, 65}}, .causal = Causal::kLowerRight});
  for (const Isa isa : isas()) {
    const PackedAnswer clean = problem.forward(isa);
    PackedCase poisoned(problem.spec());
    for (int64_t h = 0; h < 2; ++h) {
      for (int64_t j = 70; j < 70 + 66; ++j) {
        for (int64_t d = 0; d < 20; ++d) poisoned.key.at(0, h, j, d) = kNan;
        for (int64_t d = 0; d < 12; ++d) poisoned.value.at(0, h, j, d) = kNan;
      }
    }
    const PackedAnswer answer = poisoned.forward(isa);
    for (size_t i = 0; i < clean.output.size(); ++i) {
      const size_t row = i / (4 * 12);
      if (row >= 3 && row < 43) {
        ASSERT_TRUE(std::isnan(answer.output[i]));
      } else {
        ASSERT_EQ(answer.output[i], clean.output[i]) << name(isa) << " row " << row;
      }
    }
  }
}

TEST(AttentionVarlen, SequencesWithoutKeysGiveZeros) {
  const PackedCase problem({.lengths = {{2, 0}, {5, 3}, {40, 0}}, .sinks = true});
  for (const Isa isa : isas()) {
    const PackedAnswer answer = problem.forward(isa);
    for (size_t i = 0; i < answer.lse.size(); ++i) {
      const size_t row = i / 4;
      EXPECT_EQ(std::isinf(answer.lse[i]), row < 2 || row >= 7) << name(isa) << " row " << row;
      if (row < 2 || row >= 7) {
        EXPECT_EQ(answer.output[i * 12], 0);
      }
    }
  }
}

TEST(AttentionVarlen, WithoutSequencesThereIsNothingToDo) {
  float number = 42;
  const std::vector<int64_t> none = {0};
  const PackedAttentionTensors tensors = {
      {&number, Shape{1, 2, 0, 8}}, {&number, Shape{1, 2, 0, 8}}, {&number, Shape{1, 2, 0, 8}}, none, none,
      {&number, Shape{1, 2, 0, 8}}};
  EXPECT_TRUE(attention_varlen(tensors, {}, serial_executor()).ok());
  EXPECT_EQ(number, 42);
  EXPECT_THAT(explain_varlen(tensors, {}).value(), HasSubstr("0 packed sequences"));
}

TEST(AttentionVarlen, UsesTheScratchThatItSaysAndNothingBehindIt) {
  const PackedCase problem({.lengths = awkward_lengths()});
  for (const Isa isa : isas()) {
    PaddedTensor<float> output({1, 4, problem.query_starts.back(), 12}, Layout::kDense);
    PackedAttentionTensors tensors = problem.inputs();
    tensors.output = output.view();
    const AttentionOptions options = problem.options(isa);
    const size_t bytes = attention_varlen_scratch_bytes(tensors, options, 1).value();
    EXPECT_LT(bytes, attention_varlen_scratch_bytes(tensors, options, 2).value());
    const AlignedBytes memory = allocate_aligned(bytes + 64);
    std::memset(memory.get(), 0x5a, bytes + 64);
    ASSERT_TRUE(attention_varlen(tensors, options, {serial_executor(), {memory.get(), bytes}}).ok());
    for (size_t i = 0; i < 64; ++i) EXPECT_EQ(memory[bytes + i], std::byte{0x5a});
    output.fill(42);
    const Status small = attention_varlen(tensors, options, {serial_executor(), {memory.get(), bytes - 1}});
    EXPECT_EQ(small.message(), "scratch has " + std::to_string(bytes - 1) + " bytes, but the call needs " +
                                   std::to_string(bytes));
    EXPECT_EQ(output.at(0, 0, 0, 0), 42);
  }
}

TEST(AttentionVarlen, ExplainsWhichKernelsRunForHowManySequences) {
  const PackedCase problem({.lengths = {{1, 9}, {300, 300}, {2, 5}, {0, 4}, {40, 40}}, .sinks = true});
  PaddedTensor<float> output({1, 4, problem.query_starts.back(), 12}, Layout::kDense);
  PackedAttentionTensors tensors = problem.inputs();
  tensors.output = output.view();
  const std::string scalar = explain_varlen(tensors, problem.options(Isa::kScalar)).value();
  EXPECT_THAT(scalar, HasSubstr("5 packed sequences, 1 of them without queries"));
  EXPECT_THAT(scalar,
              HasSubstr("16 work items, the longest first; 4 sequences, the longest: reference loops"));
  for (const Isa isa : isas()) {
    if (isa == Isa::kScalar) continue;
    const std::string words = explain_varlen(tensors, problem.options(isa)).value();
    EXPECT_THAT(words, HasSubstr("2 sequences, the longest: rows on " + std::string(name(isa)) +
                                 ", because Tq is 2"));
    EXPECT_THAT(words, HasSubstr("2 sequences, the longest: panels on " + std::string(name(isa)) +
                                 ", because Tq is 300"));
    EXPECT_THAT(words, HasSubstr("with sinks"));
  }
}

}  // namespace
}  // namespace attend
