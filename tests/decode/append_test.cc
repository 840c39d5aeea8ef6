// kv_append() into memory and block tables of the caller's own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <span>
#include <vector>

#include "attend/kv_cache.h"
#include "base/half.h"
#include "base/idle_executor.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

/// Two sequences of up to 6 tokens in pages of 2, keys and values alternating page by page as some engines
/// keep them: [pages, key or value, Hkv, page_size, D].
struct Engine {
  std::vector<float> memory = std::vector<float>(8 * 2 * 3 * 2 * 4, 1000.0f);
  std::vector<int32_t> table = {5, 0, 7, 2, 3, 1};
  std::vector<int64_t> lengths = {3, 0};
  std::vector<int32_t> sequences;
  std::vector<float> key = std::vector<float>(2 * 3 * 2 * 4), value = key;
  std::vector<int64_t> counts;
  MutableKvView cache;
  KvTokens tokens;

  Engine() {
    for (size_t i = 0; i < key.size(); ++i) {
      key[i] = static_cast<float>(i);
      value[i] = -static_cast<float>(i);
    }
    const Shape shape = {8, 3, 2, 4}, stride = {48, 8, 4, 1};
    cache.key = {memory.data(), shape, stride};
    cache.value = {memory.data() + 24, shape, stride};
    cache.block_table = table;
    cache.pages_per_sequence = 3;
    cache.lengths = lengths;
    tokens.key = {key.data(), Shape{2, 3, 2, 4}};
    tokens.value = {value.data(), Shape{2, 3, 2, 4}};
  }
  float at(int64_t page, int64_t which, int64_t head, int64_t slot) const {
    return memory[static_cast<size_t>(page * 48 + which * 24 + head * 8 + slot * 4)];
  }
};

TEST(KvAppend, WritesBehindTheLengthsThroughTheBlockTable) {
  Engine e;
  ASSERT_TRUE(kv_append(e.tokens, e.cache, serial_executor()).ok());
  for (int64_t head = 0; head < 3; ++head) {
    const float first = static_cast<float>(head * 8), second = first + 4,
                other = static_cast<float>(24 + head * 8);
    EXPECT_EQ(e.at(0, 0, head, 1), first);  // token 3 of sequence 0
    EXPECT_EQ(e.at(7, 0, head, 0), second);
    EXPECT_EQ(e.at(2, 1, head, 0), -other);  // token 0 of sequence 1
    EXPECT_EQ(e.at(2, 1, head, 1), -other - 4);
  }
  EXPECT_EQ(std::count(e.memory.begin(), e.memory.end(), 1000.0f),
            static_cast<int64_t>(e.memory.size()) - 2 * 2 * 2 * 12);
}

TEST(KvAppend, WritesOnlyTheCountedTokensOfTheNamedSequences) {
  Engine e;
  e.sequences = {1, 0};
  e.counts = {1, 0};
  e.cache.sequences = e.sequences;
  e.tokens.counts = e.counts;
  ASSERT_TRUE(kv_append(e.tokens, e.cache, serial_executor()).ok());
  EXPECT_EQ(e.at(2, 0, 0, 0), 0);
  EXPECT_EQ(std::count(e.memory.begin(), e.memory.end(), 1000.0f),
            static_cast<int64_t>(e.memory.size()) - 2 * 12);
}

TEST(KvAppend, ConvertsSixteenBitTokens) {
  Engine e;
  std::vector<uint16_t> halves(e.key.size());
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = float_to_bfloat16(e.key[i]);
  e.tokens.key = {halves.data(), DType::kBFloat16, Shape{2, 3, 2, 4}, dense_strides({2, 3, 2, 4})};
  e.tokens.value = e.tokens.key;
  ASSERT_TRUE(kv_append(e.tokens, e.cache, serial_executor()).ok());
  EXPECT_EQ(e.at(7, 0, 2, 0), 20.0f);
  EXPECT_EQ(e.at(7, 1, 2, 0), 20.0f);
}

void expect_refused(const std::function<void(Engine&)>& spoil, const std::string& message,
                    StatusCode code = StatusCode::kInvalidArgument) {
  Engine e;
  spoil(e);
  const Status status = kv_append(e.tokens, e.cache, serial_executor());
  EXPECT_EQ(status.code(), code) << message;
  EXPECT_THAT(status.message(), HasSubstr(message));
  EXPECT_EQ(std::count(e.memory.begin(), e.memory.end(), 1000.0f), static_cast<int64_t>(e.memory.size()))
      << message;
}

TEST(KvAppend, RefusesAnExecutorWithoutWorkers) {
  Engine engine;
  IdleExecutor executor(0);
  EXPECT_EQ(kv_append(engine.tokens, engine.cache, executor).message(),
            "executor has 0 workers, but must have at least 1");
}

TEST(KvAppend, RefusesTokensThatDoNotFit) {
  expect_refused([](Engine& e) { e.tokens.key.shape[1] = 2; },
                 "key axis Hkv is 2, but cache key axis Hkv is 3");
  expect_refused([](Engine& e) { e.tokens.key.shape[3] = 3; }, "key axis D is 3, but cache key axis D is 4");
  expect_refused([](Engine& e) { e.tokens.value.shape[3] = 3; },
                 "value axis Dv is 3, but cache value axis Dv is 4");
  expect_refused([](Engine& e) { e.tokens.value.shape[2] = 1; }, "value axis T is 1, but key axis T is 2");
  expect_refused([](Engine& e) { e.tokens.key.shape[0] = e.tokens.value.shape[0] = 1; },
                 "key axis B is 1, but the cache is given 2 sequences");
  expect_refused([](Engine& e) { e.tokens.key.dtype = DType::kInt8; },
                 "key is int8, but must be float32, bfloat16 or float16", StatusCode::kUnsupported);
  expect_refused([](Engine& e) { e.tokens.value.dtype = DType::kFloat16; },
                 "value is float16, but key is float32");
  expect_refused([](Engine& e) { e.tokens.key.data = nullptr; }, "key is a null pointer");
  expect_refused([](Engine& e) { e.tokens.key.stride[3] = 2; }, "key axis D has stride 2");
  expect_refused(
      [](Engine& e) {
        e.tokens.counts = {e.lengths.data(), 1};
      },
      "counts has 1 numbers, but key axis B is 2");
  expect_refused([](Engine& e) { e.tokens.counts = e.lengths; },
                 "counts[0] is 3, but must be between 0 and key axis T, which is 2");
}

TEST(KvAppend, RefusesACacheThatContradictsItself) {
  expect_refused([](Engine& e) { e.cache.value.dtype = DType::kFloat16; },
                 "cache value is float16, but cache key is float32");
  expect_refused([](Engine& e) { e.cache.key.dtype = DType::kBool; },
                 "cache key is bool, but must be float32, bfloat16, float16 or int8",
                 StatusCode::kUnsupported);
  expect_refused([](Engine& e) { e.cache.value.shape[2] = 1; },
                 "cache value axis page_size is 1, but cache key axis page_size is 2");
  expect_refused([](Engine& e) { e.cache.key.shape[3] = 0; },
                 "cache key axis D is 0, but must be in 1..1024");
  expect_refused([](Engine& e) { e.cache.key_scale = e.cache.key; },
                 "cache key_scale is given, but cache key is float32");
  expect_refused([](Engine& e) { e.cache.pages_per_sequence = 0; }, "cache pages_per_sequence is 0");
  expect_refused([](Engine& e) { e.cache.pages_per_sequence = 4; },
                 "cache block_table has 6 entries, but 2 sequences of 4 pages");
  expect_refused([](Engine& e) { e.cache.block_table = {}; },
                 "pages_per_sequence is 3, but without a block_table it must be 1");
  expect_refused([](Engine& e) { e.lengths[1] = 7; }, "cache lengths[1] is 7, but must be in 0..6");
  expect_refused([](Engine& e) { e.lengths[0] = -1; }, "cache lengths[0] is -1");
  expect_refused([](Engine& e) { e.lengths[0] = 5; },
                 "sequence 0 holds 5 tokens and is given 2 more, but its capacity is 6");
  expect_refused([](Engine& e) { e.table[2] = 8; },
                 "cache block_table[0, 2] is page 8, but cache key axis pages is 8");
  expect_refused([](Engine& e) { e.table[3] = -1; }, "cache block_table[1, 0] is page -1");
  expect_refused([](Engine& e) { e.cache.value.data = e.cache.key.data; },
                 "cache key overlaps cache value in memory");
  expect_refused([](Engine& e) { e.cache.key.stride[1] = 0; },
                 "its strides put several elements at one address");
  expect_refused(
      [](Engine& e) {
        e.tokens.key = {e.memory.data() + 4, Shape{2, 3, 2, 4}};
      },
      "cache key overlaps key in memory");
  expect_refused(
      [](Engine& e) {
        e.sequences = {0, 2};
        e.cache.sequences = e.sequences;
      },
      "sequences[1] is 2, but the cache has 2 sequences");
  expect_refused([](Engine& e) { e.cache.key.dtype = e.cache.value.dtype = DType::kInt8; },
                 "cache key_scale");
}

TEST(KvAppend, RefusesACacheThatOverlapsAListOfNumbers) {
  std::vector<int64_t> memory(8 * 2 * 3 * 2 * 4, 1);
  const std::span<const int64_t> list(memory);
  const std::span<const int32_t> small(reinterpret_cast<const int32_t*>(memory.data()), memory.size());
  const auto under_keys = [&](const std::function<void(Engine&)>& put, const std::string& name) {
    expect_refused(
        [&](Engine& e) {
          e.cache.key.data = memory.data();
          put(e);
        },
        "cache key overlaps " + name + " in memory");
  };
  under_keys([&](Engine& e) { e.cache.lengths = list.first(2); }, "cache lengths");
  under_keys([&](Engine& e) { e.cache.block_table = small.first(6); }, "cache block_table");
  under_keys([&](Engine& e) { e.cache.sequences = small.first(2); }, "sequences");
  under_keys([&](Engine& e) { e.tokens.counts = list.first(2); }, "counts");
  under_keys(
      [&](Engine& e) {
        const TensorView table(e.key.data(), Shape{1, 1, 4, 2});
        e.tokens.rope = {RopeLayout::kHalfSplit, table, table};
        e.tokens.key_positions = list.first(2);
      },
      "key_positions");
}

TEST(KvAppend, WithoutTokensEndsAtOnceHoweverManyHeadsThereAre) {
  constexpr int64_t kEndless = int64_t{1} << 50;
  float number = 0;
  const std::vector<int64_t> lengths = {0}, none = {0};
  const std::vector<int32_t> table = {0};
  MutableKvView cache;
  cache.key = cache.value = {&number, DType::kFloat32, {0, kEndless, 1, 1}, {0, 0, 1, 1}};
  cache.block_table = table;
  cache.lengths = lengths;
  for (const int64_t count : {0, 1}) {
    const TensorView token(&number, Shape{1, kEndless, count, 1}, Shape{0, 0, 0, 1});
    const Status status =
        kv_append({token, token, count == 0 ? std::span<const int64_t>() : none}, cache, serial_executor());
    EXPECT_TRUE(status.ok()) << status.message();
  }
}

TEST(KvAppend, LooksAtNoPageThatItDoesNotWrite) {
  Engine e;
  e.table[0] = 99;  // tokens 0 and 1 of sequence 0
  e.table[4] = -5;  // tokens 2 and 3 of sequence 1
  EXPECT_TRUE(kv_append(e.tokens, e.cache, serial_executor()).ok());
}

}  // namespace
}  // namespace attend
