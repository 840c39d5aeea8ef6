// Bad calls of attention_decode(): each is refused in a sentence that names the operand, the axis and both
// numbers, before anything is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <span>
#include <vector>

#include "attend/decode.h"
#include "base/idle_executor.h"
#include "base/random.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

/// A valid call, to be spoiled in one place at a time.
struct Call {
  std::vector<float> key = std::vector<float>(6 * 2 * 4 * 8, 1.0f),
                     value = std::vector<float>(6 * 2 * 4 * 6, 1.0f),
                     query = std::vector<float>(2 * 4 * 3 * 8, 1.0f),
                     output = std::vector<float>(2 * 4 * 3 * 6, 42.0f),
                     lse = std::vector<float>(2 * 4 * 3, 42.0f), per_head = std::vector<float>(4, 0.5f);
  std::vector<int32_t> table = {0, 1, 2, 3, 4, 5};
  std::vector<int64_t> lengths = {12, 5}, counts = {3, 1};
  DecodeTensors tensors;
  DecodeOptions options;

  Call() {
    tensors.query = {query.data(), Shape{2, 4, 3, 8}};
    tensors.cache.key = {key.data(), Shape{6, 2, 4, 8}};
    tensors.cache.value = {value.data(), Shape{6, 2, 4, 6}};
    tensors.cache.block_table = table;
    tensors.cache.pages_per_sequence = 3;
    tensors.cache.lengths = lengths;
    tensors.output = {output.data(), Shape{2, 4, 3, 6}};
    tensors.lse = {lse.data(), Shape{2, 4, 3, 1}};
  }
  Call(const Call&) = delete;

  TensorView per_head_view() const { return {per_head.data(), Shape{1, 4, 1, 1}}; }

  bool written() const {
    const auto touched = [](const std::vector<float>& v) {
      return std::any_of(v.begin(), v.end(), [](float x) { return x != 42.0f; });
    };
    return touched(output) || touched(lse);
  }
};

void expect_refused(const std::function<void(Call&)>& spoil, const std::string& message,
                    StatusCode code = StatusCode::kInvalidArgument) {
  Call call;
  spoil(call);
  const Status status = attention_decode(call.tensors, call.options, serial_executor());
  EXPECT_EQ(status.code(), code) << message;
  EXPECT_THAT(status.message(), HasSubstr(message));
  EXPECT_EQ(explain_decode(call.tensors, call.options).status().message(), status.message());
  EXPECT_EQ(attention_decode_scratch_bytes(call.tensors, call.options, 1).status().message(),
            status.message());
  EXPECT_FALSE(call.written()) << message;
}

TEST(DecodeValidation, AcceptsTheCallThatTheOthersSpoil) {
  Call call;
  call.options.query_counts = call.counts;
  call.options.alibi_slopes = call.options.sinks = call.per_head_view();
  EXPECT_TRUE(attention_decode(call.tensors, call.options, serial_executor()).ok());
  EXPECT_TRUE(call.written());
}

TEST(DecodeValidation, RefusesAnExecutorWithoutWorkers) {
  for (const int workers : {0, -3}) {
    Call call;
    IdleExecutor executor(workers);
    const std::string too_few = "workers is " + std::to_string(workers) + ", but must be at least 1";
    const Status status = attention_decode(call.tensors, call.options, executor);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(status.message(), HasSubstr("workers, but must have at least 1"));
    EXPECT_EQ(attention_decode_scratch_bytes(call.tensors, call.options, workers).status().message(),
              too_few);
  }
}

TEST(DecodeValidation, NamesTheAxisAndBothNumbers) {
  expect_refused([](Call& c) { c.tensors.query.shape[3] = 7; },
                 "query axis D is 7, but cache key axis D is 8");
  expect_refused([](Call& c) { c.tensors.query.shape[0] = 1; },
                 "query axis B is 1, but the cache is given 2 sequences");
  expect_refused([](Call& c) { c.tensors.query.shape[1] = 3; },
                 "query axis Hq is 3, but must be a multiple of cache key axis Hkv, which is 2");
  expect_refused([](Call& c) { c.tensors.query.shape[2] = -1; }, "query axis Tq is -1");
  expect_refused([](Call& c) { c.tensors.output.shape[3] = 8; },
                 "output axis Dv is 8, but cache value axis Dv is 6");
  expect_refused([](Call& c) { c.tensors.output.shape[2] = 2; },
                 "output axis Tq is 2, but query axis Tq is 3");
  expect_refused([](Call& c) { c.tensors.lse.shape[1] = 2; }, "lse axis Hq is 2, but query axis Hq is 4");
  expect_refused([](Call& c) { c.tensors.lse.shape[3] = 2; }, "lse axis 3 is 2, but must be 1");
  expect_refused([](Call& c) { c.tensors.cache.value.shape[1] = 1; },
                 "cache value axis Hkv is 1, but cache key axis Hkv is 2");
  expect_refused([](Call& c) { c.tensors.cache.key.shape[1] = 0; },
                 "cache key axis Hkv is 0, but must be at least 1");
  expect_refused([](Call& c) { c.tensors.cache.key.shape[3] = 1025; },
                 "cache key axis D is 1025, but must be in 1..1024");
  expect_refused([](Call& c) { c.lengths[0] = 13; },
                 "cache lengths[0] is 13, but must be in 0..12, the capacity of a sequence");
  expect_refused([](Call& c) { c.lengths[1] = -2; }, "cache lengths[1] is -2");
  expect_refused([](Call& c) { c.table[4] = 6; },
                 "cache block_table[1, 1] is page 6, but cache key axis pages is 6");
  expect_refused([](Call& c) { c.table[0] = -3; }, "cache block_table[0, 0] is page -3");
  expect_refused(
      [](Call& c) {
        c.tensors.cache.block_table = {c.table.data(), 5};
      },
      "cache block_table has 5 entries");
  expect_refused(
      [](Call& c) {
        c.tensors.cache.lengths = {c.lengths.data(), 1};
      },
      "cache block_table has 6 entries, but 1 sequences");
}

TEST(DecodeValidation, RefusesTypesAndMemory) {
  expect_refused([](Call& c) { c.tensors.query.dtype = DType::kFloat64; },
                 "query is float64, but must be float32, bfloat16 or float16", StatusCode::kUnsupported);
  expect_refused([](Call& c) { c.tensors.cache.key.dtype = DType::kFloat64; }, "cache key is float64",
                 StatusCode::kUnsupported);
  expect_refused([](Call& c) { c.tensors.output.dtype = DType::kFloat16; },
                 "output is float16, but query is float32");
  expect_refused([](Call& c) { c.tensors.lse.dtype = DType::kFloat16; },
                 "lse is float16, but must be float32");
  expect_refused([](Call& c) { c.tensors.query.data = nullptr; }, "query is a null pointer");
  expect_refused([](Call& c) { c.tensors.cache.value.data = nullptr; }, "cache value is a null pointer");
  expect_refused([](Call& c) { c.tensors.output.data = reinterpret_cast<char*>(c.output.data()) + 1; },
                 "output is not aligned to the 4 bytes of its elements");
  expect_refused([](Call& c) { c.tensors.cache.key.stride[3] = 2; }, "cache key axis D has stride 2");
  expect_refused([](Call& c) { c.tensors.cache.key.stride[0] = INT64_MAX / 2; },
                 "cache key spans more than the address space");
  expect_refused([](Call& c) { c.tensors.output.stride[1] = 0; }, "output is written, but its strides");
  expect_refused([](Call& c) { c.tensors.output.data = c.query.data(); }, "output overlaps query in memory");
  expect_refused([](Call& c) { c.tensors.output.data = c.value.data(); },
                 "output overlaps cache value in memory");
  expect_refused([](Call& c) { c.tensors.lse.data = c.key.data(); }, "lse overlaps cache key in memory");
  expect_refused([](Call& c) { c.tensors.lse.data = c.output.data(); }, "output overlaps lse in memory");
}

TEST(DecodeValidation, RefusesInt8WithoutItsScalesAndScalesWithoutInt8) {
  expect_refused([](Call& c) { c.tensors.cache.key.dtype = c.tensors.cache.value.dtype = DType::kInt8; },
                 "cache key_scale axis pages is 0, but cache key axis pages is 6");
  expect_refused([](Call& c) { c.tensors.cache.value_scale = c.tensors.cache.value; },
                 "cache value_scale is given, but cache value is float32 and only int8 has scales");
}

TEST(DecodeValidation, RefusesOptionsOutsideTheContract) {
  expect_refused([](Call& c) { c.options.scale = NAN; }, "scale is nan, but must be finite");
  expect_refused([](Call& c) { c.options.softcap = -1; }, "softcap is -1");
  expect_refused([](Call& c) { c.options.softcap = NAN; }, "softcap is nan");
  expect_refused([](Call& c) { c.options.window.left = -2; }, "window.left is -2, but must be at least 0");
  expect_refused([](Call& c) { c.options.window.right = -3; }, "window.right is -3, but must be at least 0");
  expect_refused(
      [](Call& c) {
        c.options.query_counts = {c.counts.data(), 1};
      },
      "query_counts has 1 numbers, but query axis B is 2");
  expect_refused(
      [](Call& c) {
        c.counts[1] = 4;
        c.options.query_counts = c.counts;
      },
      "query_counts[1] is 4, but must be between 0 and query axis Tq, which is 3");
  expect_refused(
      [](Call& c) {
        c.options.alibi_slopes = {c.per_head.data(), Shape{1, 3, 1, 1}};
      },
      "alibi_slopes axis Hq is 3, but must be 1 or query axis Hq, which is 4");
  expect_refused(
      [](Call& c) {
        c.options.sinks = {c.per_head.data(), Shape{2, 1, 1, 1}};
      },
      "sinks axis B is 2, but must be 1");
  expect_refused(
      [](Call& c) {
        c.options.sinks = c.per_head_view();
        c.options.sinks.dtype = DType::kFloat16;
      },
      "sinks is float16, but must be float32");
  expect_refused(
      [](Call& c) {
        c.options.sinks = {c.lse.data(), Shape{1, 4, 1, 1}};
      },
      "lse overlaps sinks in memory");
  expect_refused(
      [](Call& c) {
        c.per_head[2] = INFINITY;
        c.options.alibi_slopes = c.per_head_view();
      },
      "alibi_slopes[0, 2] is inf, but must be finite");
  expect_refused(
      [](Call& c) {
        c.per_head[1] = NAN;
        c.options.sinks = c.per_head_view();
      },
      "sinks[0, 1] is nan, but must be finite, or -inf for none");
  expect_refused([](Call& c) { c.options.causal = static_cast<Causal>(9); },
                 "causal must be none, upper_left or lower_right");
#if defined(__x86_64__)
  expect_refused([](Call& c) { c.options.isa = Isa::kNeon; }, "isa neon is not available here",
                 StatusCode::kUnsupported);
#endif
}

TEST(DecodeValidation, RefusesOutputsThatOverlapAListOfNumbers) {
  std::vector<int64_t> memory(2 * 4 * 3 * 6, 1);
  const std::span<const int64_t> list(memory);
  const std::span<const int32_t> small(reinterpret_cast<const int32_t*>(memory.data()), memory.size());
  const auto under_output = [&](const std::function<void(Call&)>& put, const std::string& name) {
    expect_refused(
        [&](Call& c) {
          c.tensors.output.data = memory.data();
          put(c);
        },
        "output overlaps " + name + " in memory");
    expect_refused(
        [&](Call& c) {
          c.tensors.lse.data = memory.data();
          put(c);
        },
        "lse overlaps " + name + " in memory");
  };
  under_output([&](Call& c) { c.tensors.cache.lengths = list.first(2); }, "cache lengths");
  under_output([&](Call& c) { c.tensors.cache.block_table = small.first(6); }, "cache block_table");
  under_output([&](Call& c) { c.tensors.cache.sequences = small.first(2); }, "sequences");
  under_output([&](Call& c) { c.options.query_counts = list.first(2); }, "query_counts");
  under_output(
      [&](Call& c) {
        const TensorView table(c.key.data(), Shape{1, 1, 4, 2});
        c.options.rope = {RopeLayout::kHalfSplit, table, table};
        c.options.query_positions = list.first(3);
      },
      "query_positions");
  expect_refused([](Call& c) { c.tensors.lse.data = nullptr; }, "lse is a null pointer");
}

TEST(DecodeValidation, HasNothingToDoWithoutQueries) {
  Call call;
  call.tensors.query.shape[2] = call.tensors.output.shape[2] = call.tensors.lse.shape[2] = 0;
  EXPECT_TRUE(attention_decode(call.tensors, call.options, serial_executor()).ok());
  EXPECT_EQ(explain_decode(call.tensors, call.options).value(), "nothing to do: no query");
  EXPECT_FALSE(call.written());
}

TEST(DecodeValidation, NeverReadsOrWritesOutsideForRandomDamage) {
  // Every number of the call is at times replaced by a hostile one; run under the address sanitizer.
  constexpr int64_t kHostile[] = {-1, 0, 1, 2, 3, 5, 7, 1024, 1025, INT32_MAX, INT64_MAX, INT64_MIN};
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Call call;
    const RandomKey key(seed);
    uint64_t at = 0;
    const auto spoil = [&](auto& number) {
      if (key.below(at++, 24) == 0)
        number = static_cast<std::remove_reference_t<decltype(number)>>(kHostile[key.below(at++, 12)]);
    };
    // Strides and pointers are the caller's word; shapes may only shrink.
    for (int64_t& n : call.lengths) spoil(n);
    for (int32_t& n : call.table) spoil(n);
    for (int64_t& n : call.counts) spoil(n);
    spoil(call.tensors.cache.pages_per_sequence);
    spoil(call.options.window.left);
    spoil(call.options.window.right);
    for (size_t axis = 0; axis < 4; ++axis) {
      for (Shape* shape : {&call.tensors.query.shape, &call.tensors.cache.key.shape,
                           &call.tensors.cache.value.shape, &call.tensors.output.shape}) {
        const int64_t before = (*shape)[axis];
        spoil((*shape)[axis]);
        (*shape)[axis] = std::min((*shape)[axis], before);
      }
    }
    call.options.query_counts = call.counts;
    const Status status = attention_decode(call.tensors, call.options, serial_executor());
    EXPECT_EQ(status.ok(), status.message().empty());
    EXPECT_TRUE(status.ok() || !call.written()) << status.message();
  }
}

}  // namespace
}  // namespace attend
