// A query's bits are a function of its own sequence, the options and the instruction set.
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "attend/decode.h"
#include "base/arena.h"
#include "decode/answers.h"
#include "decode/cache_case.h"

namespace attend {
namespace {

CacheSpec ragged(DType stored) {
  return {.Hq = 6,
          .Hkv = 2,
          .Tq = 3,
          .D = 40,
          .Dv = 24,
          .lengths = {1300, 1, 513, 64},
          .page_size = 12,
          .stored = stored};
}

TEST(DecodeBits, DoNotDependOnTheNumberOfWorkers) {
  for (const DType stored : kStored) {
    const CacheCase problem(ragged(stored));
    for (const Isa isa : isas()) {
      const DecodeAnswer one = problem.decode({.isa = isa});
      for (const int workers : {2, 3, 5}) {
        const std::unique_ptr<Executor> executor = make_thread_executor(workers);
        const DecodeAnswer many = problem.decode({.isa = isa}, *executor);
        EXPECT_EQ(one.output, many.output) << name(isa);
        EXPECT_EQ(one.lse, many.lse) << name(isa);
      }
    }
  }
}

/// The numbers of batch row b.
std::vector<double> row_of_batch(const std::vector<double>& numbers, size_t b, size_t B) {
  const auto each = static_cast<ptrdiff_t>(numbers.size() / B);
  return {numbers.begin() + static_cast<ptrdiff_t>(b) * each,
          numbers.begin() + static_cast<ptrdiff_t>(b + 1) * each};
}

TEST(DecodeBits, DoNotDependOnWhatElseIsInTheBatch) {
  for (const DType stored : kStored) {
    const CacheCase problem(ragged(stored));
    for (const Isa isa : isas()) {
      const DecodeAnswer together = problem.decode({.isa = isa});
      for (size_t b = 0; b < 4; ++b) {
        const int32_t sequence = static_cast<int32_t>(b);
        KvView cache = problem.cache();
        cache.sequences = {&sequence, 1};
        TensorView query = problem.query();
        query.data = static_cast<const float*>(query.data) + static_cast<int64_t>(b) * query.stride[0];
        query.shape[0] = 1;
        std::vector<float> output(6 * 3 * 24);
        const Status status = attention_decode({query, cache, {output.data(), Shape{1, 6, 3, 24}}, {}},
                                               {.isa = isa}, serial_executor());
        ASSERT_TRUE(status.ok()) << status.message();
        EXPECT_EQ(row_of_batch(together.output, b, 4), std::vector<double>(output.begin(), output.end()))
            << name(isa);
      }
    }
  }
}

TEST(DecodeBits, DoNotDependOnHowManyQueriesAreAskedAtOnce) {
  for (const DType stored : kStored) {
    CacheCase problem(ragged(stored));
    for (const Isa isa : isas()) {
      const DecodeOptions options = {.window = {700, -1}, .isa = isa};
      const DecodeAnswer together = problem.decode(options);
      // Query i alone, over a cache that ends where it stands.
      for (int64_t i = 0; i < 3; ++i) {
        std::vector<int64_t> lengths = problem.lengths;
        for (int64_t& length : lengths) length = std::max<int64_t>(0, length - 2 + i);
        KvView cache = problem.cache();
        cache.lengths = lengths;
        TensorView query = problem.query();
        query.data = static_cast<const float*>(query.data) + i * query.stride[2];
        query.shape[2] = 1;
        std::vector<float> output(4 * 6 * 24);
        const Status status = attention_decode({query, cache, {output.data(), Shape{4, 6, 1, 24}}, {}},
                                               options, serial_executor());
        ASSERT_TRUE(status.ok()) << status.message();
        for (size_t row = 0; row < 4 * 6; ++row) {
          for (size_t d = 0; d < 24; ++d) {
            ASSERT_EQ(static_cast<float>(together.output[(row * 3 + static_cast<size_t>(i)) * 24 + d]),
                      output[row * 24 + d])
                << name(isa) << " row " << row << " query " << i;
          }
        }
      }
    }
  }
}

TEST(DecodeBits, DoNotDependOnWhetherSplitsRunApart) {
  // A thousand heads over one: the partial results of 5 splits of 1024 passes would take 90 MB, so that
  // splits run in order; two heads of the same problem run apart.
  const CacheSpec large = {.Hq = 4096, .Hkv = 1, .Tq = 8, .D = 8, .Dv = 128, .lengths = {2100}};
  const CacheCase problem(large);
  std::vector<float> output(4096 * 8 * 128), few(64 * 8 * 128);
  TensorView query = problem.query();
  ASSERT_TRUE(attention_decode({query, problem.cache(), {output.data(), Shape{1, 4096, 8, 128}}, {}}, {},
                               serial_executor())
                  .ok());
  EXPECT_NE(explain_decode({query, problem.cache(), {output.data(), Shape{1, 4096, 8, 128}}, {}}, {})
                .value()
                .find("in order within"),
            std::string::npos);
  query.shape[1] = 64;
  const DecodeTensors apart = {query, problem.cache(), {few.data(), Shape{1, 64, 8, 128}}, {}};
  EXPECT_NE(explain_decode(apart, {}).value().find("apart"), std::string::npos);
  ASSERT_TRUE(attention_decode(apart, {}, serial_executor()).ok());
  output.resize(few.size());
  EXPECT_EQ(output, few);
}

TEST(DecodeScratch, SufficesAndNothingOutsideItIsWritten) {
  const CacheCase problem(ragged(DType::kInt8));
  std::vector<float> output(4 * 6 * 3 * 24), expected(output.size());
  for (const Isa isa : isas()) {
    const DecodeOptions options = {.isa = isa};
    const auto tensors = [&](std::vector<float>& out) {
      return DecodeTensors{problem.query(), problem.cache(), {out.data(), Shape{4, 6, 3, 24}}, {}};
    };
    const size_t bytes = attention_decode_scratch_bytes(tensors(output), options, 1).value();
    EXPECT_LT(bytes, attention_decode_scratch_bytes(tensors(output), options, 2).value());
    const AlignedBytes memory = allocate_aligned(bytes + 64);
    std::fill_n(memory.get(), bytes + 64, std::byte{0x5a});
    ASSERT_TRUE(attention_decode(tensors(output), options, {serial_executor(), {memory.get(), bytes}}).ok());
    for (size_t i = 0; i < 64; ++i) EXPECT_EQ(memory[bytes + i], std::byte{0x5a});
    ASSERT_TRUE(attention_decode(tensors(expected), options, serial_executor()).ok());
    EXPECT_EQ(output, expected);
    const Status small =
        attention_decode(tensors(output), options, {serial_executor(), {memory.get(), bytes - 1}});
    EXPECT_EQ(small.message(), "scratch has " + std::to_string(bytes - 1) + " bytes, but the call needs " +
                                   std::to_string(bytes));
  }
}

/// NaN in every slot that holds no token, in every scale of these, and in all of the scratch.
TEST(DecodeScratch, MayHoldNan) {
  const CacheSpec
      odd = {.Hq = 6, .Hkv = 2, .Tq = 3, .D = 40, .Dv = 36, .lengths = {42, 1, 519}, .page_size = 16},
      even = {.Hq = 2, .Hkv = 2, .D = 32, .Dv = 32, .lengths = {42}, .page_size = 16};
  const float slopes[] = {0.5f, 0.25f, 0.125f, 0.5f, 0.25f, 0.125f};
  const DecodeOptions kinds[] = {{},
                                 {.softcap = 0.5f},
                                 {.window = {9, 0}, .softcap = 3},
                                 {.causal = Causal::kNone, .window = {200, -1}}};
  for (CacheSpec spec : {odd, even}) {
    for (const DType stored : kStored) {
      spec.stored = stored;
      const CacheCase problem(spec);
      for (DecodeOptions options : kinds) {
        options.alibi_slopes = {slopes, Shape{1, spec.Hq, 1, 1}};
        const DecodeAnswer exact = problem.exact(options);
        for (const Isa isa : isas()) {
          options.isa = isa;
          const size_t bytes = problem.scratch_bytes(options);
          const AlignedBytes memory = allocate_aligned(bytes);
          std::fill_n(memory.get(), bytes, std::byte{0xff});
          const DecodeAnswer made = problem.decode(options, {serial_executor(), {memory.get(), bytes}});
          EXPECT_LT(largest_difference(made.output, exact.output), 1e-5) << spec << " on " << name(isa);
          EXPECT_LT(largest_difference(made.lse, exact.lse), 1e-5) << spec << " on " << name(isa);
          std::fill_n(memory.get(), bytes, std::byte{0});
          EXPECT_TRUE(problem.decode(options, {serial_executor(), {memory.get(), bytes}}) == made)
              << spec << " on " << name(isa);
        }
      }
    }
  }
}

}  // namespace
}  // namespace attend
