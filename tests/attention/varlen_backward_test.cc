// attention_varlen_backward() against attention_backward() on each sequence alone, to the bit, against finite
// differences, and against the padded batch.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <type_traits>
#include <vector>

#include "attend/varlen.h"
#include "attention/narrow_case.h"
#include "attention/packed_case.h"
#include "base/arena.h"

namespace attend {
namespace {

void expect_as_alone(const PackedSpec& spec) {
  const PackedCase problem(spec);
  for (const Isa isa : isas()) {
    const PackedGradients packed = problem.backward(isa), alone = problem.backward_alone(isa);
    EXPECT_EQ(packed.query, alone.query) << name(isa) << ": " << spec;
    EXPECT_EQ(packed.key, alone.key) << name(isa) << ": " << spec;
    EXPECT_EQ(packed.value, alone.value) << name(isa) << ": " << spec;
  }
}

PackedSpec all_options(const std::vector<SequenceLengths>& lengths) {
  PackedSpec spec = many_options(lengths);
  spec.rope = true;
  return spec;
}

TEST(AttentionVarlenBackward, HasTheBitsOfEachSequenceAlone) {
  const std::vector<SequenceLengths> lengths = awkward_lengths();
  expect_as_alone({.lengths = lengths});
  expect_as_alone({.lengths = lengths, .causal = Causal::kUpperLeft});
  expect_as_alone({.lengths = lengths, .causal = Causal::kLowerRight, .layout = Layout::kTimeMajor});
  expect_as_alone({.lengths = lengths, .window = {20, 3}, .offsets = true});
  expect_as_alone({.lengths = lengths, .kv_lengths = true});
  expect_as_alone({.lengths = lengths, .mask = true});
  expect_as_alone({.lengths = lengths, .key_mask = true, .shared_bias = true});
  expect_as_alone({.lengths = lengths, .bias = true, .softcap = 2});
  expect_as_alone({.lengths = lengths, .bias = true, .far_bias = std::numeric_limits<float>::lowest()});
  expect_as_alone({.lengths = lengths, .alibi = true, .dropout = 0.3f});
  expect_as_alone({.lengths = lengths, .sinks = true});
  expect_as_alone({.lengths = lengths, .causal = Causal::kUpperLeft, .rope = true});
  expect_as_alone({.lengths = lengths, .kv_lengths = true, .softcap = 2, .rope = true});
  expect_as_alone(all_options(lengths));
}

TEST(AttentionVarlenBackward, SequencesOfAnyNumberOfBlocksGoThroughTheirRoundsTogether) {
  // Of 1 to 4 rounds: more blocks of queries, more blocks of keys, and as many.
  expect_as_alone({.lengths = {{10, 10}, {600, 20}, {20, 900}, {193, 257}, {0, 600}, {500, 0}, {400, 520}},
                   .Hq = 2,
                   .Hkv = 1,
                   .D = 9,
                   .Dv = 8});
}

TEST(AttentionVarlenBackward, HasTheBitsOfThePaddedBatchAndOfItsBiasAndSinks) {
  for (const float dropout : {0.0f, 0.25f}) {
    const PackedCase problem({.lengths = {{7, 9}, {64, 64}, {130, 200}, {9, 1}, {97, 8}},
                              .D = 32,
                              .Dv = 16,
                              .causal = Causal::kLowerRight,
                              .bias = true,
                              .alibi = true,
                              .sinks = true,
                              .dropout = dropout});
    for (const Isa isa : isas()) {
      const PackedGradients packed = problem.backward(isa), padded = problem.backward_padded(isa);
      EXPECT_EQ(packed.query, padded.query) << name(isa);
      EXPECT_EQ(packed.key, padded.key) << name(isa);
      EXPECT_EQ(packed.value, padded.value) << name(isa);
      EXPECT_EQ(packed.sinks, padded.sinks) << name(isa);
      EXPECT_EQ(packed.bias, padded.bias) << name(isa);
    }
  }
}

TEST(AttentionVarlenBackward, HasTheBiasGradientOfThePaddedBatch) {
  std::vector<SequenceLengths> lengths = awkward_lengths();
  lengths.push_back({210, 300});  // more than a block of either
  for (const PackedSpec& spec : {PackedSpec{.lengths = lengths, .bias = true},
                                 PackedSpec{.lengths = lengths, .causal = Causal::kLowerRight, .bias = true},
                                 PackedSpec{.lengths = lengths, .key_mask = true, .shared_bias = true},
                                 PackedSpec{.lengths = lengths, .shared_bias = true, .sinks = true}}) {
    const PackedCase problem(spec);
    for (const Isa isa : isas()) {
      SCOPED_TRACE(::testing::Message() << name(isa) << ": " << spec);
      const PackedGradients packed = problem.backward(isa);
      const std::vector<float> padded = problem.backward_padded(isa).bias;
      ASSERT_EQ(packed.bias.size(), padded.size());
      // Forward takes another kernel for few queries than for as many as the padded batch has.
      for (size_t i = 0; i < padded.size(); ++i) ASSERT_NEAR(packed.bias[i], padded[i], 1e-5) << i;
      EXPECT_EQ(packed, problem.backward(isa, *make_thread_executor(3)));
    }
  }
}

TEST(AttentionVarlenBackward, DoesNotDependOnTheNumberOfWorkers) {
  std::vector<SequenceLengths> lengths = awkward_lengths();
  lengths.push_back({500, 600});
  const PackedCase problem(all_options(lengths));
  for (const Isa isa : isas()) {
    const PackedGradients serial = problem.backward(isa);
    for (const int workers : {1, 2, 3}) {
      const std::unique_ptr<Executor> threads = make_thread_executor(workers);
      EXPECT_EQ(problem.backward(isa, *threads), serial) << name(isa) << " workers " << workers;
    }
  }
}

/// Rows [first, first + count) of a packed tensor.
template <class View>
View rows_of(View view, int64_t first, int64_t count) {
  auto* data =
      static_cast<std::conditional_t<std::is_same_v<View, TensorView>, const char, char>*>(view.data);
  view.data = data + first * view.stride[2] * static_cast<int64_t>(size_of(view.dtype));
  view.shape[2] = count;
  return view;
}

TEST(AttentionVarlenBackward, HasTheBitsOfEachSequenceAloneInSixteenBitsWhereItStands) {
  const std::vector<SequenceLengths> lengths = {{3, 9}, {64, 64}, {0, 4}, {130, 200}, {2, 2}};
  const PackedCase problem({.lengths = lengths});
  PaddedTensor<float> cos({1, 1, 200, 8}, Layout::kDense), sin = cos;
  ASSERT_TRUE(rope_table({}, {cos.view(), sin.view()}).ok());
  for (const DType dtype : {DType::kBFloat16, DType::kFloat16}) {
    for (const Isa isa : isas()) {
      NarrowTensor q(problem.query, dtype), k(problem.key, dtype), v(problem.value, dtype),
          dout(problem.output_gradient, dtype), out(dout), dq(q), dk(k), dv(v), own_dq(q), own_dk(k),
          own_dv(v);
      PaddedTensor<float> lse({1, 4, problem.query_starts.back(), 1}, Layout::kDense);
      AttentionOptions options;
      options.causal = Causal::kLowerRight;
      options.rope = {RopeLayout::kHalfSplit, cos.view(), sin.view()};
      options.isa = isa;
      ASSERT_TRUE(attention_varlen({q.view(), k.view(), v.view(), problem.query_starts, problem.key_starts,
                                    out.view(), lse.view()},
                                   options, serial_executor())
                      .ok());
      const Status status =
          attention_varlen_backward({q.view(), k.view(), v.view(), problem.query_starts, problem.key_starts,
                                     out.view(), lse.view(), dout.view(), dq.view(), dk.view(), dv.view()},
                                    options, serial_executor());
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_TRUE(dq.gaps_are_whole() && dk.gaps_are_whole() && dv.gaps_are_whole());
      for (size_t s = 0; s < lengths.size(); ++s) {
        const auto queries = [&](auto view) {
          return rows_of(view, problem.query_starts[s], lengths[s].queries);
        };
        const auto keys = [&](auto view) { return rows_of(view, problem.key_starts[s], lengths[s].keys); };
        const Status alone = attention_backward(
            {queries(q.view()), keys(k.view()), keys(v.view()), queries(out.view()), queries(lse.view()),
             queries(dout.view()), queries(own_dq.view()), keys(own_dk.view()), keys(own_dv.view())},
            options, serial_executor());
        ASSERT_TRUE(alone.ok()) << alone.message();
      }
      EXPECT_EQ(dq.elements(), own_dq.elements()) << name(isa);
      EXPECT_EQ(dk.elements(), own_dk.elements()) << name(isa);
      EXPECT_EQ(dv.elements(), own_dv.elements()) << name(isa);
    }
  }
}

TEST(AttentionVarlenBackward, RefusesPositionsWithoutARowInTheTables) {
  const PackedCase problem({.lengths = {{3, 9}, {5, 6}}});
  PaddedTensor<float> cos({1, 1, 8, 8}, Layout::kDense), output({1, 4, 8, 12}, Layout::kDense);
  PackedAttentionTensors tensors = problem.inputs();
  tensors.output = output.view();
  AttentionOptions options;
  options.rope = {RopeLayout::kHalfSplit, cos.view(), cos.view()};
  EXPECT_EQ(attention_varlen(tensors, options, serial_executor()).message(),
            "query 2 of batch row 0 has position 8, but rope.cos axis P is 8");
  const std::vector<int64_t> queries = {0, 1, 2, 3, 4, 5, 6, -1};
  options.query_positions = queries;
  EXPECT_EQ(attention_varlen(tensors, options, serial_executor()).message(),
            "key 8 of batch row 0 has position 8, but rope.cos axis P is 8");
  const std::vector<int64_t> keys(15, 7);
  options.key_positions = keys;
  EXPECT_EQ(attention_varlen(tensors, options, serial_executor()).message(),
            "query 4 of batch row 1 has position -1, but positions begin at 0");
}

/// Small operands in float64 and the sum of output * output_gradient, of which gradients are taken.
class Differences {
 public:
  Differences() : query_(64), key_(40), value_(40), gradient_(64), bias_(60), sinks_{0.3, -0.2} {
    uint64_t n = 0;
    for (std::vector<double>* numbers : {&query_, &key_, &value_, &gradient_, &bias_}) {
      for (double& x : *numbers) x = RandomKey(3).normal(n++);
    }
  }

  double loss() {
    EXPECT_TRUE(attention_varlen(tensors(), options(), serial_executor()).ok());
    double sum = 0;
    for (size_t i = 0; i < output_.size(); ++i) sum += output_[i] * gradient_[i];
    return sum;
  }

  void check() {
    loss();
    std::vector<double> dq(64), dk(40), dv(40), dsinks(2), dbias(60, 42.0);
    const PackedAttentionTensors t = tensors();
    const PackedAttentionGradientTensors gradients = {t.query,
                                                      t.key,
                                                      t.value,
                                                      query_starts_,
                                                      key_starts_,
                                                      t.output,
                                                      t.lse,
                                                      {gradient_.data(), Shape{1, 2, 8, 4}},
                                                      {dq.data(), Shape{1, 2, 8, 4}},
                                                      {dk.data(), Shape{1, 1, 10, 4}},
                                                      {dv.data(), Shape{1, 1, 10, 4}},
                                                      {dsinks.data(), Shape{1, 2, 1, 1}},
                                                      {dbias.data(), Shape{1, 2, 5, 6}}};
    const Status status = attention_varlen_backward(gradients, options(), serial_executor());
    ASSERT_TRUE(status.ok()) << status.message();
    expect_slopes(query_, dq);
    expect_slopes(key_, dk);
    expect_slopes(value_, dv);
    expect_slopes(sinks_, dsinks);
    expect_slopes(bias_, dbias);
  }

 private:
  void expect_slopes(std::vector<double>& numbers, const std::vector<double>& slopes) {
    constexpr double kStep = 1e-5;
    for (size_t i = 0; i < numbers.size(); ++i) {
      const double x = numbers[i];
      numbers[i] = x + kStep;
      const double above = loss();
      numbers[i] = x - kStep;
      const double below = loss();
      numbers[i] = x;
      EXPECT_NEAR(slopes[i], (above - below) / (2 * kStep), 1e-7);
    }
  }

  AttentionOptions options() const {
    AttentionOptions options;
    options.causal = Causal::kLowerRight;
    options.softcap = 2;
    options.sinks = {sinks_.data(), Shape{1, 2, 1, 1}};
    options.bias = {bias_.data(), Shape{1, 2, 5, 6}};
    options.dropout = 0.2f;
    return options;
  }

  PackedAttentionTensors tensors() {
    return {{query_.data(), Shape{1, 2, 8, 4}},
            {key_.data(), Shape{1, 1, 10, 4}},
            {value_.data(), Shape{1, 1, 10, 4}},
            query_starts_,
            key_starts_,
            {output_.data(), Shape{1, 2, 8, 4}},
            {lse_.data(), Shape{1, 2, 8, 1}}};
  }

  std::vector<double> query_, key_, value_, gradient_, bias_, sinks_;
  std::vector<double> output_ = std::vector<double>(64), lse_ = std::vector<double>(16);
  const std::vector<int64_t> query_starts_ = {0, 3, 3, 8}, key_starts_ = {0, 2, 4, 10};
};

TEST(AttentionVarlenBackward, AgreesWithFiniteDifferences) {
  Differences().check();
}

TEST(AttentionVarlenBackward, UsesTheScratchThatItSays) {
  const PackedCase problem({.lengths = awkward_lengths()});
  PaddedTensor<float> output({1, 4, problem.query_starts.back(), 12}, Layout::kDense),
      lse({1, 4, problem.query_starts.back(), 1}, Layout::kDense), dq = problem.query, dk = problem.key,
                                                                   dv = problem.value;
  const PackedAttentionTensors inputs = problem.inputs();
  const PackedAttentionGradientTensors tensors = {
      inputs.query,       inputs.key,    inputs.value, problem.query_starts,
      problem.key_starts, output.view(), lse.view(),   problem.output_gradient.view(),
      dq.view(),          dk.view(),     dv.view()};
  for (const Isa isa : isas()) {
    const AttentionOptions options = problem.options(isa);
    const size_t bytes = attention_varlen_backward_scratch_bytes(tensors, options, 1).value();
    EXPECT_GT(bytes, 0u);
    const AlignedBytes memory = allocate_aligned(bytes + 64);
    std::memset(memory.get(), 0x5a, bytes + 64);
    ASSERT_TRUE(attention_varlen_backward(tensors, options, {serial_executor(), {memory.get(), bytes}}).ok());
    for (size_t i = 0; i < 64; ++i) EXPECT_EQ(memory[bytes + i], std::byte{0x5a});
    dq.fill(42);
    const Status small =
        attention_varlen_backward(tensors, options, {serial_executor(), {memory.get(), bytes - 1}});
    EXPECT_EQ(small.message(), "scratch has " + std::to_string(bytes - 1) + " bytes, but the call needs " +
                                   std::to_string(bytes));
    EXPECT_EQ(dq.at(0, 0, 0, 0), 42);
  }
}

}  // namespace
}  // namespace attend
