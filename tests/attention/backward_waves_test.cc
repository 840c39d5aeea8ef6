// Heads of a 16-bit backward pass that take turns: on bounded scratch, with the bits of each head alone.
#include "attention/backward_waves.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "attend/attention.h"
#include "attend/varlen.h"
#include "attention/backward.h"
#include "attention/dtypes.h"
#include "attention/narrow_case.h"
#include "attention/problem.h"
#include "base/arena.h"
#include "base/random.h"

namespace attend {
namespace {

/// A dense tensor.
MutableTensorView dense(void* data, DType dtype, const Shape& n) {
  return {data, dtype, n, {n[1] * n[2] * n[3], n[2] * n[3], n[3], 1}};
}

constexpr RowForm kNarrow = {DType::kBFloat16, false};

/// Bytes of scratch that the backward pass declares for operands of these sizes, whose memory is not looked
/// at.
size_t declared(const Sizes& n, DType dtype, int workers) {
  uintptr_t next = 0;
  const auto tensor = [&](int64_t heads, int64_t rows, int64_t width, DType type) {
    return dense(reinterpret_cast<void*>(next += uintptr_t{1} << 36), type, {n.B, heads, rows, width});
  };
  const AttentionGradientTensors tensors = {
      tensor(n.Hq, n.Tq, n.D, dtype),         tensor(n.Hkv, n.Tk, n.D, dtype),
      tensor(n.Hkv, n.Tk, n.Dv, dtype),       tensor(n.Hq, n.Tq, n.Dv, dtype),
      tensor(n.Hq, n.Tq, 1, sum_type(dtype)), tensor(n.Hq, n.Tq, n.Dv, dtype),
      tensor(n.Hq, n.Tq, n.D, dtype),         tensor(n.Hkv, n.Tk, n.D, dtype),
      tensor(n.Hkv, n.Tk, n.Dv, dtype)};
  return attention_backward_scratch_bytes(tensors, {}, workers).value();
}

TEST(BackwardWaves, LongSequencesNeedLessThan64MegabytesInEveryType) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16, DType::kFloat64}) {
    for (const Sizes& n : {Sizes{1, 8, 8, 16384, 16384, 64, 64}, Sizes{1, 8, 8, 16384, 16384, 128, 128},
                           Sizes{1, 32, 32, 16384, 16384, 128, 128}, Sizes{4, 32, 8, 16384, 16384, 128, 128},
                           Sizes{16, 8, 4, 16384, 16384, 64, 64}, Sizes{64, 12, 12, 577, 577, 64, 64}}) {
      const size_t group = static_cast<size_t>(n.Tq * n.group() * n.D + n.Tk * (n.D + n.Dv)) * sizeof(float);
      for (const int workers : {1, 2, 32}) {
        const size_t bytes = declared(n, dtype, workers);
        EXPECT_LT(bytes, std::max<size_t>(64'000'000, group + 16'000'000)) << n.D << ", " << n.Hq;
      }
    }
  }
}

TEST(BackwardWaves, EveryHeadIsInOneWaveWhichIsAsLargeAsItMayBe) {
  for (const Sizes& n : {Sizes{1, 8, 8, 16384, 16384, 64, 64}, Sizes{2, 32, 8, 16384, 16384, 128, 128},
                         Sizes{3, 7, 7, 2000, 3000, 256, 200}, Sizes{64, 12, 12, 577, 577, 64, 64},
                         Sizes{1, 9, 9, 1 << 20, 5, 64, 64}, Sizes{1, 40, 40, 1 << 20, 700, 64, 64},
                         Sizes{5, 1, 1, 1, 1, 1, 1}, Sizes{2, 4, 2, 0, 16384, 128, 128}}) {
    const BackwardWaves waves(n, kNarrow);
    ASSERT_GT(waves.count(), 0);
    const int64_t size = waves.heads(0).end;
    int64_t next = 0;
    for (int64_t wave = 0; wave < waves.count(); ++wave) {
      EXPECT_EQ(waves.heads(wave).begin, next);
      next = waves.heads(wave).end;
      EXPECT_LE(next - waves.heads(wave).begin, size);
    }
    EXPECT_EQ(next, n.B * n.Hkv);
    const int64_t blocks = std::max<int64_t>(1, (n.Tk + kBackwardKeys - 1) / kBackwardKeys);
    EXPECT_TRUE(waves.bytes() <= kWaveBytes || (size - 1) * blocks < kWaveKeyBlocks);
    if (waves.count() == 1) continue;
    EXPECT_GE(size * blocks, kWaveKeyBlocks);
    // One wave less would not do.
    const int64_t more = (n.B * n.Hkv + waves.count() - 2) / (waves.count() - 1);
    EXPECT_GT(waves.bytes() / static_cast<size_t>(size) * static_cast<size_t>(more), kWaveBytes);
  }
}

TEST(BackwardWaves, GradientsInPlaceNeedNone) {
  const Sizes n = {2, 8, 4, 16384, 16384, 128, 128};
  for (const DType dtype : {DType::kFloat32, DType::kFloat64}) {
    const BackwardWaves waves(n, RowForm{dtype, true});
    EXPECT_EQ(waves.count(), 1);
    EXPECT_EQ(waves.bytes(), 0u);
    EXPECT_EQ(waves.heads(0).end, 8);
  }
  EXPECT_EQ(BackwardWaves(Sizes{2, 0, 0, 0, 0, 8, 8}, kNarrow).count(), 0);
}

/// A call whose heads do not fit one wave. Each query sees few keys, so that it takes no time.
class LongCase {
 public:
  static constexpr int64_t kHeads = 3, kRows = 4096, kWidth = 512;

  LongCase() {
    for (size_t i = 0; i < query_.size(); ++i) {
      query_[i] = narrow(static_cast<float>(0.1 * RandomKey(1).normal(i)), DType::kBFloat16);
      key_[i] = narrow(static_cast<float>(0.1 * RandomKey(2).normal(i)), DType::kBFloat16);
    }
  }

  /// The gradients of query, key and value, one after the other, of all heads together or head by head.
  std::vector<uint16_t> together(Isa isa, Executor& executor) const { return run(isa, executor, kHeads, {}); }
  std::vector<uint16_t> one_by_one(Isa isa) const { return run(isa, serial_executor(), 1, {}); }
  std::vector<uint16_t> packed(Isa isa, Executor& executor, const std::vector<int64_t>& starts) const {
    return run(isa, executor, kHeads, starts);
  }
  std::vector<uint16_t> packed_one_by_one(Isa isa, const std::vector<int64_t>& starts) const {
    return run(isa, serial_executor(), 1, starts);
  }

 private:
  static constexpr int64_t kHead = kRows * kWidth, kAll = kHeads * kHead;

  std::vector<uint16_t> run(Isa isa, Executor& executor, int64_t heads,
                            const std::vector<int64_t>& starts) const {
    std::vector<uint16_t> gradients(3 * kAll, 0x7fff);
    AttentionOptions options;
    options.isa = isa;
    options.window = {12, 0};
    for (int64_t first = 0; first < kHeads; first += heads) {
      const auto part = [&](auto& numbers, int64_t which) {
        return dense(const_cast<uint16_t*>(numbers.data()) + which * kAll + first * kHead, DType::kBFloat16,
                     {1, heads, kRows, kWidth});
      };
      const TensorView query = part(query_, 0), key = part(key_, 0);
      const TensorView lse(lse_.data() + first * kRows, Shape{1, heads, kRows, 1});
      const MutableTensorView dq = part(gradients, 0), dk = part(gradients, 1), dv = part(gradients, 2);
      const Status status =
          starts.empty()
              ? attention_backward({query, key, key, query, lse, query, dq, dk, dv}, options, executor)
              : attention_varlen_backward({query, key, key, starts, starts, query, lse, query, dq, dk, dv},
                                          options, executor);
      EXPECT_TRUE(status.ok()) << status.message();
    }
    return gradients;
  }

  std::vector<uint16_t> query_ = std::vector<uint16_t>(kAll), key_ = query_;
  std::vector<float> lse_ = std::vector<float>(kHeads * kRows, 2.5f);
};

TEST(BackwardWaves, HaveTheBitsOfEachHeadAlone) {
  ASSERT_EQ(BackwardWaves({1, LongCase::kHeads, LongCase::kHeads, LongCase::kRows, LongCase::kRows,
                           LongCase::kWidth, LongCase::kWidth},
                          kNarrow)
                .count(),
            LongCase::kHeads);
  const LongCase problem;
  const std::vector<int64_t> starts = {0, 300, 300, 3500, LongCase::kRows};
  for (const Isa isa : isas()) {
    if (isa == Isa::kScalar) continue;  // plain loops would look at all pairs
    EXPECT_TRUE(problem.together(isa, *make_thread_executor(3)) == problem.one_by_one(isa)) << name(isa);
    EXPECT_TRUE(problem.packed(isa, *make_thread_executor(3), starts) ==
                problem.packed_one_by_one(isa, starts))
        << name(isa);
  }
}

/// All gradients, by waves of the plan or of as few heads as the number of key blocks allows.
std::vector<double> gradients(AttentionCase& problem, Isa isa, DType dtype, bool small_waves) {
  round_operands(problem, dtype);
  const NarrowTensor query(problem.query, dtype), key(problem.key, dtype), value(problem.value, dtype),
      output_gradient(problem.output_gradient, dtype), output(output_gradient);
  const Sizes& n = problem.spec().sizes;
  PaddedTensor<float> lse({n.B, n.Hq, n.Tq, 1}, Layout::kDense), bias = problem.bias;
  lse.fill(3);
  NarrowTensor dq(query), dk(key), dv(value);
  AttentionGradientTensors tensors = {query.view(),  key.view(), value.view(),
                                      output.view(), lse.view(), output_gradient.view(),
                                      dq.view(),     dk.view(),  dv.view()};
  if (bias.present()) tensors.bias_gradient = bias.view();
  const AttentionOptions options = problem.options(isa);
  const RowForm form = form_of(tensors.query, options);
  BackwardPlan plan = plan_backward(n, form, isa, bias.present());
  if (small_waves) plan.waves = BackwardWaves(n, form, 1);
  EXPECT_EQ(plan.waves.count(), small_waves ? 3 : 1);
  const AlignedBytes scratch = allocate_aligned(plan.worker_bytes + plan.shared_bytes);
  BackwardProblem<float> backward(tensors, options);
  run_backward(backward, plan, serial_executor(), scratch.get());
  EXPECT_TRUE(dq.gaps_are_whole() && dk.gaps_are_whole() && dv.gaps_are_whole());
  std::vector<double> all = dq.elements();
  for (const std::vector<double>& more : {dk.elements(), dv.elements()}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  const std::vector<float> of_bias = bias.elements();
  all.insert(all.end(), of_bias.begin(), of_bias.end());
  return all;
}

TEST(BackwardWaves, ThatCrossBatchRowsChangeNoBit) {
  // 16 key/value heads of three key blocks: waves of 6, 6 and 4.
  for (const CaseSpec& spec :
       {CaseSpec{.sizes = {2, 16, 8, 100, 530, 16, 24}},
        CaseSpec{.sizes = {2, 8, 8, 210, 515, 9, 5}, .causal = Causal::kLowerRight, .ragged = true},
        CaseSpec{.sizes = {2, 16, 8, 40, 530, 16, 8}, .bias = BiasKind::kHeads, .rope = {12}}}) {
    for (const Isa isa : isas()) {
      for (const DType dtype : {DType::kBFloat16, DType::kFloat16}) {
        AttentionCase problem(spec);
        EXPECT_EQ(gradients(problem, isa, dtype, true), gradients(problem, isa, dtype, false))
            << name(isa) << ": " << spec;
      }
    }
  }
}

}  // namespace
}  // namespace attend
