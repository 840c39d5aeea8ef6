// Keys that are turned when they are appended, and queries when they are asked.
#include "attend/rope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "attend/decode.h"
#include "base/random.h"
#include "decode/answers.h"
#include "decode/cache_case.h"

namespace attend {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kB = 2, kHq = 4, kHkv = 2, kLength = 70, kTq = 3, kD = 20, kDv = 12, kPositions = 90;

std::vector<float> normal(uint64_t seed, int64_t count) {
  std::vector<float> numbers(static_cast<size_t>(count));
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(RandomKey(seed).normal(i));
  return numbers;
}

/// A text of kLength tokens, and queries for its last kTq.
struct Text {
  explicit Text(RopeLayout layout, int64_t width)
      : cos(static_cast<size_t>(kPositions * width / 2)), sin(cos) {
    const Shape shape = {1, 1, kPositions, width / 2};
    const RopeTable table = {{cos.data(), shape}, {sin.data(), shape}};
    EXPECT_TRUE(rope_table({.base = 50}, table).ok());
    rope = {layout, table.cos, table.sin};
  }
  Text(const Text&) = delete;

  TensorView keys(int64_t first, int64_t count) const { return tokens(key, kD, first, count); }
  TensorView values(int64_t first, int64_t count) const { return tokens(value, kDv, first, count); }
  TensorView queries() const { return {query.data(), Shape{kB, kHq, kTq, kD}}; }

  std::vector<float> key = normal(1, kB*kHkv*kLength*kD), value = normal(2, kB*kHkv*kLength*kDv),
                     query = normal(3, kB*kHq*kTq*kD), cos, sin;
  Rope rope;

 private:
  static TensorView tokens(const std::vector<float>& from, int64_t width, int64_t first, int64_t count) {
    return {from.data() + first * width, Shape{kB, kHkv, count, width},
            Shape{kHkv * kLength * width, kLength * width, width, 1}};
  }
};

KvCache make_cache(DType stored = DType::kFloat32) {
  Result<KvCache> cache = KvCache::create({.sequences = kB,
                                           .capacity = kLength,
                                           .kv_heads = kHkv,
                                           .key_width = kD,
                                           .value_width = kDv,
                                           .dtype = stored,
                                           .page_size = 16});
  EXPECT_TRUE(cache.ok()) << cache.status().message();
  return std::move(cache).value();
}

std::vector<double> decode(const TensorView& query, const KvCache& cache, const DecodeOptions& options) {
  std::vector<float> output(static_cast<size_t>(kB * kHq * kTq * kDv));
  const Status status = attention_decode({query, cache.view(), {output.data(), Shape{kB, kHq, kTq, kDv}}, {}},
                                         options, serial_executor());
  EXPECT_TRUE(status.ok()) << status.message();
  return {output.begin(), output.end()};
}

TEST(DecodeWithRope, AppendingAndAskingTokenByTokenIsTheForwardPass) {
  for (const RopeLayout layout : {RopeLayout::kHalfSplit, RopeLayout::kInterleaved}) {
    for (const int64_t width : {2, 14, 20}) {
      const Text text(layout, width);
      KvCache cache = make_cache();
      for (const auto& [first, count] : {std::pair{0, 40}, {40, 1}, {41, 29}}) {
        ASSERT_TRUE(
            cache
                .append(
                    {.key = text.keys(first, count), .value = text.values(first, count), .rope = text.rope},
                    serial_executor())
                .ok());
      }
      for (const Isa isa : isas()) {
        std::vector<float> whole(static_cast<size_t>(kB * kHq * kTq * kDv));
        AttentionOptions options;
        options.causal = Causal::kLowerRight;
        options.rope = text.rope;
        options.isa = isa;
        ASSERT_TRUE(attention({text.queries(),
                               text.keys(0, kLength),
                               text.values(0, kLength),
                               {whole.data(), Shape{kB, kHq, kTq, kDv}},
                               {},
                               {}},
                              options, serial_executor())
                        .ok());
        const std::vector<double> step = decode(text.queries(), cache, {.rope = text.rope, .isa = isa});
        EXPECT_LE(largest_difference(step, {whole.begin(), whole.end()}), 2e-6) << name(isa) << width;
      }
    }
  }
}

TEST(DecodeWithRope, KeysAreTurnedBeforeTheyAreRounded) {
  const std::vector<int64_t> places = [] {
    std::vector<int64_t> numbers;
    for (size_t i = 0; i < kB * kLength; ++i) {
      numbers.push_back(static_cast<int64_t>(RandomKey(4).below(i, kPositions)));
    }
    return numbers;
  }();
  for (const DType stored : kStored) {
    for (const RopeLayout layout : {RopeLayout::kHalfSplit, RopeLayout::kInterleaved}) {
      const Text text(layout, 18);
      std::vector<float> turned = text.key;
      const Shape shape = {kB, kHkv, kLength, kD};
      ASSERT_TRUE(
          rope({text.keys(0, kLength), {turned.data(), shape}}, {text.rope, places}, serial_executor()).ok());
      KvCache one = make_cache(stored), other = make_cache(stored);
      ASSERT_TRUE(one.append({.key = text.keys(0, kLength),
                              .value = text.values(0, kLength),
                              .rope = text.rope,
                              .key_positions = places},
                             serial_executor())
                      .ok());
      ASSERT_TRUE(
          other.append({.key = {turned.data(), shape}, .value = text.values(0, kLength)}, serial_executor())
              .ok());
      EXPECT_EQ(decode(text.queries(), one, {}), decode(text.queries(), other, {}));
    }
  }
}

TEST(DecodeWithRope, QueriesAreTurnedWhereTheyStandOrAreSaidToStand) {
  const Text text(RopeLayout::kInterleaved, 16);
  KvCache cache = make_cache();
  ASSERT_TRUE(
      cache.append({.key = text.keys(0, kLength), .value = text.values(0, kLength)}, serial_executor()).ok());
  const std::vector<int64_t> counts = {3, 2}, last = {67, 68, 69, 68, 69, 0}, anywhere = {5, 89, 0},
                             spread = {5, 89, 0, 5, 89, 0};
  const auto turned = [&](const std::vector<int64_t>& positions) {
    std::vector<float> rows = text.query;
    const MutableTensorView view(rows.data(), Shape{kB, kHq, kTq, kD});
    EXPECT_TRUE(rope({view, view}, {text.rope, positions}, serial_executor()).ok());
    return rows;
  };
  for (const Isa isa : isas()) {
    const std::vector<float> by_place = turned(last), by_word = turned(anywhere);
    EXPECT_EQ(
        decode(text.queries(), cache, {.query_counts = counts, .rope = text.rope, .isa = isa}),
        decode({by_place.data(), Shape{kB, kHq, kTq, kD}}, cache, {.query_counts = counts, .isa = isa}));
    for (const std::vector<int64_t>& positions : {anywhere, spread}) {
      EXPECT_EQ(decode(text.queries(), cache, {.rope = text.rope, .query_positions = positions, .isa = isa}),
                decode({by_word.data(), Shape{kB, kHq, kTq, kD}}, cache, {.isa = isa}));
    }
  }
}

TEST(DecodeWithRope, RefusesPositionsWithoutARowInTheTables) {
  Text text(RopeLayout::kHalfSplit, 20);
  KvCache cache = make_cache();
  const KvTokens tokens = {.key = text.keys(0, kLength), .value = text.values(0, kLength), .rope = text.rope};
  const auto append_refused = [&](KvTokens spoilt, const std::string& message) {
    EXPECT_THAT(cache.append(spoilt, serial_executor()).message(), HasSubstr(message));
    EXPECT_EQ(cache.length(0), 0);
  };
  const std::vector<int64_t> two = {1, 2}, far(static_cast<size_t>(kLength), kPositions);
  KvTokens spoilt = tokens;
  spoilt.rope.cos.shape[2] = spoilt.rope.sin.shape[2] = 69;
  append_refused(spoilt, "key 69 of batch row 0 has position 69, but rope.cos axis P is 69");
  spoilt = tokens;
  spoilt.rope.cos.shape[3] = spoilt.rope.sin.shape[3] = 11;
  append_refused(spoilt, "rope.cos axis R/2 is 11, of two features each, but key axis D is 20");
  spoilt = tokens;
  spoilt.rope.sin = {};
  append_refused(spoilt, "rope.sin is a null pointer");
  spoilt = tokens;
  spoilt.key_positions = two;
  append_refused(spoilt, "key_positions has 2 numbers, but must have 70");
  spoilt.key_positions = far;
  append_refused(spoilt, "key 0 of batch row 0 has position 90, but rope.cos axis P is 90");
  spoilt.rope = {};
  append_refused(spoilt, "key_positions has 70 numbers, but rope is absent");

  ASSERT_TRUE(cache.append(tokens, serial_executor()).ok());
  std::vector<float> output(static_cast<size_t>(kB * kHq * kTq * kDv), 42.0f);
  const auto decode_refused = [&](const DecodeOptions& options, const std::string& message) {
    const DecodeTensors tensors = {
        text.queries(), cache.view(), {output.data(), Shape{kB, kHq, kTq, kDv}}, {}};
    EXPECT_THAT(attention_decode(tensors, options, serial_executor()).message(), HasSubstr(message));
    EXPECT_EQ(explain_decode(tensors, options).status().message(),
              attention_decode(tensors, options, serial_executor()).message());
    EXPECT_EQ(output, std::vector<float>(output.size(), 42.0f));
  };
  Rope shorter = text.rope;
  shorter.cos.shape[2] = shorter.sin.shape[2] = 68;
  decode_refused({.rope = shorter}, "query 1 of batch row 0 has position 68, but rope.cos axis P is 68");
  decode_refused({.query_positions = two}, "query_positions has 2 numbers, but rope is absent");
  decode_refused({.rope = text.rope, .query_positions = two},
                 "query_positions has 2 numbers, but must have 3");
  Rope other = text.rope;
  other.sin = {output.data(), other.sin.shape};
  decode_refused({.rope = other}, "output overlaps rope.sin in memory");
}

}  // namespace
}  // namespace attend
