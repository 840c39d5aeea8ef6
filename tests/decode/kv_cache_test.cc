// A cache that hands out its own pages: what was appended is what is read, whatever was shared, cut and grown
// in between.
#include "attend/kv_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>
#include <vector>

#include "base/random.h"
#include "decode/float_rows.h"
#include "decode/paged_rows.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kHeads = 2, kD = 5, kDv = 3;

KvCache make(KvCacheOptions options) {
  options.kv_heads = kHeads;
  options.key_width = kD;
  options.value_width = kDv;
  Result<KvCache> cache = KvCache::create(options);
  EXPECT_TRUE(cache.ok()) << cache.status().message();
  return std::move(cache).value();
}

/// Tokens whose numbers are small whole numbers, exact in every storage but int8.
struct Tokens {
  std::vector<float> key, value;
  std::vector<int64_t> counts;
  KvTokens view;
  Tokens(int64_t B, int64_t T, uint64_t seed, std::vector<int64_t> c = {})
      : key(static_cast<size_t>(B * kHeads * T * kD)),
        value(static_cast<size_t>(B * kHeads * T * kDv)),
        counts(std::move(c)) {
    for (size_t i = 0; i < key.size(); ++i) key[i] = static_cast<float>(RandomKey(seed).below(i, 255)) - 127;
    for (size_t i = 0; i < value.size(); ++i)
      value[i] = static_cast<float>(RandomKey(seed + 1).below(i, 255)) - 127;
    view = {{key.data(), Shape{B, kHeads, T, kD}}, {value.data(), Shape{B, kHeads, T, kDv}}, counts};
  }
  Tokens(const Tokens&) = delete;
};

using Text = std::vector<std::vector<float>>;  // token by token, keys and values of all heads

Text text_of(const Tokens& tokens, int64_t b, int64_t count) {
  Text text;
  for (int64_t t = 0; t < count; ++t) {
    std::vector<float> numbers;
    for (const TensorView& v : {tokens.view.key, tokens.view.value}) {
      for (int64_t h = 0; h < kHeads; ++h) {
        const float* row = reinterpret_cast<const float*>(row_of(v, b, h, t));
        numbers.insert(numbers.end(), row, row + v.shape[3]);
      }
    }
    text.push_back(std::move(numbers));
  }
  return text;
}

Text text_of(const KvCache& cache, int64_t sequence) {
  const KvView view = cache.view();
  Text text;
  for (int64_t t = 0; t < cache.length(sequence); ++t) {
    std::vector<float> numbers;
    for (const TensorView* v : {&view.key, &view.value}) {
      for (int64_t h = 0; h < kHeads; ++h) {
        std::vector<float> row(static_cast<size_t>(v->shape[3]));
        read_floats(PagedRows(*v, view, sequence, h).row(t), v->dtype, v->shape[3], row.data());
        numbers.insert(numbers.end(), row.begin(), row.end());
      }
    }
    text.push_back(std::move(numbers));
  }
  return text;
}

Text operator+(Text a, const Text& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
Text first(Text a, size_t count) {
  a.resize(count);
  return a;
}

void append(KvCache& cache, const Tokens& tokens, std::vector<int32_t> sequences = {}) {
  const Status status = cache.append(tokens.view, serial_executor(), sequences);
  ASSERT_TRUE(status.ok()) << status.message();
}

TEST(KvCache, HoldsWhatIsAppendedInEveryStorageAndPageSize) {
  for (const DType dtype : {DType::kFloat32, DType::kBFloat16, DType::kFloat16}) {
    for (const int64_t page_size : {0, 1, 3, 7, 64}) {
      KvCache cache = make({.sequences = 3, .capacity = 20, .dtype = dtype, .page_size = page_size});
      const Tokens a(3, 6, 1, {6, 0, 2}), b(3, 1, 2), c(3, 5, 3, {1, 5, 4});
      append(cache, a);
      append(cache, b);
      append(cache, c);
      EXPECT_EQ(text_of(cache, 0), text_of(a, 0, 6) + text_of(b, 0, 1) + text_of(c, 0, 1));
      EXPECT_EQ(text_of(cache, 1), text_of(b, 1, 1) + text_of(c, 1, 5));
      EXPECT_EQ(text_of(cache, 2), text_of(a, 2, 2) + text_of(b, 2, 1) + text_of(c, 2, 4));
    }
  }
}

TEST(KvCache, QuantizesEachTokenAndHeadByItself) {
  KvCache cache = make({.sequences = 1, .capacity = 9, .dtype = DType::kInt8, .page_size = 2});
  const Tokens tokens(1, 9, 5);
  append(cache, tokens);
  const KvView view = cache.view();
  for (int64_t h = 0; h < kHeads; ++h) {
    for (int64_t t = 0; t < 9; ++t) {
      const float* x = reinterpret_cast<const float*>(row_of(tokens.view.key, 0, h, t));
      const auto* q = reinterpret_cast<const int8_t*>(PagedRows(view.key, view, 0, h).row(t));
      const float scale = *reinterpret_cast<const float*>(PagedRows(view.key_scale, view, 0, h).row(t));
      float largest = 0;
      for (int64_t d = 0; d < kD; ++d) largest = std::max(largest, std::abs(x[d]));
      EXPECT_FLOAT_EQ(scale, largest / 127);
      for (int64_t d = 0; d < kD; ++d) EXPECT_LE(std::abs(x[d] - scale * q[d]), largest / 253);
    }
  }
}

TEST(KvCache, AppendsToTheSequencesThatABatchNames) {
  KvCache cache = make({.sequences = 4, .capacity = 8, .page_size = 2});
  const Tokens a(2, 3, 1), b(1, 2, 2);
  append(cache, a, {3, 1});
  append(cache, b, {3});
  EXPECT_EQ(cache.length(0), 0);
  EXPECT_EQ(text_of(cache, 3), text_of(a, 0, 3) + text_of(b, 0, 2));
  EXPECT_EQ(text_of(cache, 1), text_of(a, 1, 3));
}

TEST(KvCache, ForgetsRefusedTokensAndGoesOn) {
  KvCache cache = make({.sequences = 1, .capacity = 12, .page_size = 4});
  const Tokens a(1, 6, 1), b(1, 5, 2);
  append(cache, a);
  ASSERT_TRUE(cache.truncate(0, 3).ok());
  EXPECT_EQ(cache.free_pages(), 2);
  append(cache, b);
  EXPECT_EQ(text_of(cache, 0), first(text_of(a, 0, 6), 3) + text_of(b, 0, 5));
  EXPECT_THAT(cache.truncate(0, 9).message(), HasSubstr("length is 9, but sequence 0 holds 8 tokens"));
  EXPECT_THAT(cache.truncate(0, -1).message(), HasSubstr("length is -1"));
  EXPECT_THAT(cache.truncate(1, 0).message(), HasSubstr("sequence is 1, but the cache has 1 sequences"));
  cache.reset();
  EXPECT_EQ(cache.length(0), 0);
  EXPECT_EQ(cache.free_pages(), 3);
}

TEST(KvCache, SharesAPrefixUntilOneOfThemGrowsInsideAPage) {
  for (const DType dtype : {DType::kFloat32, DType::kInt8}) {
    KvCache cache = make({.sequences = 3, .capacity = 16, .dtype = dtype, .page_size = 4});
    const Tokens a(1, 10, 1), b(1, 3, 2), c(1, 1, 3);
    append(cache, a, {0});
    const Text prompt = text_of(cache, 0);
    EXPECT_EQ(cache.free_pages(), 12 - 3);
    ASSERT_TRUE(cache.share(0, 1, 10).ok());
    ASSERT_TRUE(cache.share(0, 2, 6).ok());
    EXPECT_EQ(cache.free_pages(), 12 - 3);
    EXPECT_EQ(text_of(cache, 1), prompt);
    EXPECT_EQ(text_of(cache, 2), first(prompt, 6));

    append(cache, b, {1});  // copies the third page, takes a fourth
    EXPECT_EQ(cache.free_pages(), 12 - 5);
    append(cache, c, {2});  // copies the second
    EXPECT_EQ(cache.free_pages(), 12 - 6);
    append(cache, c, {0});  // the third page is its own again
    EXPECT_EQ(cache.free_pages(), 12 - 6);
    EXPECT_EQ(first(text_of(cache, 0), 10), prompt);
    EXPECT_EQ(first(text_of(cache, 1), 10), prompt);
    EXPECT_EQ(first(text_of(cache, 2), 6), first(prompt, 6));
    if (dtype == DType::kFloat32) {
      EXPECT_EQ(text_of(cache, 0), prompt + text_of(c, 0, 1));
      EXPECT_EQ(text_of(cache, 1), prompt + text_of(b, 0, 3));
      EXPECT_EQ(text_of(cache, 2), first(prompt, 6) + text_of(c, 0, 1));
    }
    for (int64_t s = 0; s < 3; ++s) ASSERT_TRUE(cache.truncate(s, 0).ok());
    EXPECT_EQ(cache.free_pages(), 12);
  }
}

TEST(KvCache, LetsTheLastHolderOfAPageKeepIt) {
  // Three sequences hold one half-full page; two copies and the original need exactly two more pages.
  KvCache cache = make({.sequences = 3, .capacity = 4, .page_size = 4, .pages = 3});
  const Tokens a(1, 2, 1), b(3, 1, 2);
  append(cache, a, {0});
  ASSERT_TRUE(cache.share(0, 1, 2).ok());
  ASSERT_TRUE(cache.share(1, 2, 2).ok());
  append(cache, b);
  EXPECT_EQ(cache.free_pages(), 0);
  for (int64_t s = 0; s < 3; ++s) EXPECT_EQ(text_of(cache, s), text_of(a, 0, 2) + text_of(b, s, 1));
}

TEST(KvCache, ReplacesWhatTheReceiverOfASharedPrefixHeld) {
  KvCache cache = make({.sequences = 2, .capacity = 8, .page_size = 2});
  const Tokens a(1, 5, 1), b(1, 8, 2);
  append(cache, a, {0});
  append(cache, b, {1});
  ASSERT_TRUE(cache.share(0, 1, 5).ok());
  EXPECT_EQ(text_of(cache, 1), text_of(a, 0, 5));
  EXPECT_EQ(cache.free_pages(), 8 - 3);
  ASSERT_TRUE(cache.share(1, 1, 2).ok());  // of itself: a truncation
  EXPECT_EQ(text_of(cache, 1), first(text_of(a, 0, 5), 2));
  EXPECT_THAT(cache.share(0, 1, 6).message(), HasSubstr("length is 6, but sequence 0 holds 5 tokens"));
  EXPECT_THAT(cache.share(0, 2, 1).message(), HasSubstr("to is 2, but the cache has 2 sequences"));
  EXPECT_THAT(cache.share(-1, 0, 1).message(), HasSubstr("from is -1"));
}

TEST(KvCache, RefusesTokensWithoutRoomAndStaysAsItWas) {
  KvCache cache = make({.sequences = 2, .capacity = 6, .page_size = 2, .pages = 4});
  const Tokens a(2, 4, 1), b(2, 3, 2), c(2, 1, 3);
  append(cache, a);
  const Status full = cache.append(b.view, serial_executor());
  EXPECT_THAT(full.message(),
              HasSubstr("sequence 0 holds 4 tokens and is given 3 more, but its capacity is 6"));
  const Status pages = cache.append(c.view, serial_executor());
  EXPECT_EQ(pages.code(), StatusCode::kOutOfMemory);
  EXPECT_THAT(pages.message(), HasSubstr("the tokens need 2 more pages, but the cache has 0 free"));
  const std::vector<int32_t> twice = {1, 1};
  EXPECT_THAT(cache.append(c.view, serial_executor(), twice).message(),
              HasSubstr("sequence 1 is both batch row 0 and batch row 1"));
  const std::vector<int32_t> backwards_and_twice = {1, 0, 1};
  const Tokens three(3, 1, 4);
  EXPECT_THAT(cache.append(three.view, serial_executor(), backwards_and_twice).message(),
              HasSubstr("sequence 1 is both batch row 0 and batch row 2"));
  const std::vector<int32_t> unknown = {0, 2};
  EXPECT_THAT(cache.append(c.view, serial_executor(), unknown).message(),
              HasSubstr("sequences[1] is 2, but the cache has 2 sequences"));
  for (int64_t s = 0; s < 2; ++s) EXPECT_EQ(text_of(cache, s), text_of(a, s, 4));
}

/// Runs the first task, and then has no thread for the others.
class FailingExecutor final : public Executor {
 public:
  int workers() const override { return 1; }
  void run(int64_t, Task task, void* context) override {
    task(context, 0, 0);
    throw std::runtime_error("no thread");
  }
};

TEST(KvCache, IsAsItWasAfterAnAppendThatThrew) {
  KvCache cache = make({.sequences = 3, .capacity = 8, .page_size = 2, .pages = 10});
  const Tokens a(1, 3, 1), b(3, 4, 2);
  append(cache, a, {0});
  for (const int64_t to : {1, 2}) ASSERT_TRUE(cache.share(0, to, 3).ok());
  const KvView view = cache.view();
  const std::vector<int32_t> table(view.block_table.begin(), view.block_table.end());
  FailingExecutor executor;
  for (int time = 0; time < 2; ++time) {
    EXPECT_THROW((void)cache.append(b.view, executor), std::runtime_error);
    EXPECT_EQ(cache.free_pages(), 10 - 2);
    for (int64_t s = 0; s < 3; ++s) {
      EXPECT_EQ(text_of(cache, s), text_of(a, 0, 3)) << s;
      for (size_t i = 0; i < 2; ++i) {  // of four pages
        EXPECT_EQ(cache.view().block_table[static_cast<size_t>(s) * 4 + i],
                  table[static_cast<size_t>(s) * 4 + i]);
      }
    }
  }
  append(cache, b);
  for (int64_t s = 0; s < 3; ++s) EXPECT_EQ(text_of(cache, s), text_of(a, 0, 3) + text_of(b, s, 4)) << s;
  cache.reset();
  EXPECT_EQ(cache.free_pages(), 10);
}

TEST(KvCache, HoldsNoTokensOfASequenceThatItDoesNotHave) {
  KvCache cache = make({.sequences = 2, .capacity = 4});
  append(cache, Tokens(2, 3, 1));
  EXPECT_EQ(cache.length(1), 3);
  for (const int64_t sequence : {int64_t{-1}, int64_t{2}, int64_t{-1'000'000'000}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(cache.length(sequence), 0) << sequence;
    EXPECT_THAT(cache.truncate(sequence, 0).message(), HasSubstr("but the cache has 2 sequences"));
    EXPECT_THAT(cache.share(sequence, 0, 0).message(), HasSubstr("but the cache has 2 sequences"));
    EXPECT_THAT(cache.share(0, sequence, 0).message(), HasSubstr("but the cache has 2 sequences"));
  }
}

TEST(KvCache, MovesWithItsTokens) {
  KvCache cache = make({.sequences = 1, .capacity = 4});
  const Tokens a(1, 3, 1);
  append(cache, a);
  const KvCache moved = std::move(cache);
  EXPECT_EQ(text_of(moved, 0), text_of(a, 0, 3));
  EXPECT_EQ(moved.options().page_size, 4);
  EXPECT_GE(moved.bytes(), sizeof(float) * static_cast<size_t>(4 * kHeads * (kD + kDv)));
}

TEST(KvCache, HoldsNoMoreThanItsCapacityThoughItsLastPageWould) {
  KvCache cache = make({.sequences = 1, .capacity = 5, .page_size = 4});
  const std::vector<float> numbers(64, 1.0f);
  const KvCacheOptions& o = cache.options();
  const auto append = [&](int64_t count) {
    return cache.append({{numbers.data(), Shape{1, o.kv_heads, count, o.key_width}},
                         {numbers.data(), Shape{1, o.kv_heads, count, o.value_width}},
                         {}},
                        serial_executor());
  };
  EXPECT_THAT(append(6).message(),
              HasSubstr("sequence 0 holds 0 tokens and is given 6 more, but its capacity is 5"));
  EXPECT_TRUE(append(5).ok());
  EXPECT_THAT(append(1).message(), HasSubstr("is given 1 more, but its capacity is 5"));
}

TEST(KvCache, RefusesSizesThatMakeNoCache) {
  const KvCacheOptions good = {
      .sequences = 2, .capacity = 8, .kv_heads = 1, .key_width = 4, .value_width = 4};
  ASSERT_TRUE(KvCache::create(good).ok());
  const auto refused = [&](auto&& spoil) {
    KvCacheOptions options = good;
    spoil(options);
    return KvCache::create(options).status();
  };
  EXPECT_THAT(refused([](auto& o) { o.sequences = 0; }).message(), HasSubstr("sequences is 0"));
  EXPECT_THAT(refused([](auto& o) { o.capacity = -8; }).message(), HasSubstr("capacity is -8"));
  EXPECT_THAT(refused([](auto& o) { o.key_width = 1025; }).message(),
              HasSubstr("key_width is 1025, but must be in 1..1024"));
  EXPECT_THAT(refused([](auto& o) { o.page_size = -1; }).message(), HasSubstr("page_size is -1"));
  EXPECT_THAT(refused([](auto& o) { o.dtype = DType::kFloat64; }).message(),
              HasSubstr("cache is float64, but must be float32, bfloat16, float16 or int8"));
  EXPECT_EQ(refused([](auto& o) { o.capacity = int64_t{1} << 61; }).code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(refused([](auto& o) { o.capacity = int64_t{1} << 45; }).code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(
      refused([](auto& o) { o.capacity = int64_t{1} << 40, o.page_size = 1; }).message(),
      "2 sequences of 1099511627776 pages are more than the 268435456 entries of the largest block table");
  EXPECT_THAT(refused([](auto& o) { o.capacity = int64_t{1} << 24, o.page_size = 1; }).message(),
              HasSubstr("needs 33554432 pages to fill every sequence, but can have at most 16777216"));
}

}  // namespace
}  // namespace attend
