#include "attention/mask.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "base/random.h"

namespace attend {
namespace {

struct MaskCase {
  Band band;
  int64_t length;
  bool masked;
  int64_t query_stride, key_stride;
};

constexpr int64_t kQueries = 70, kKeys = 75;

/// Compares every answer about tiles and rows with sees(), one pair at a time.
void expect_consistent(const MaskCase& c, const std::vector<unsigned char>& bytes) {
  const uint8_t* visible = c.masked ? bytes.data() : nullptr;
  const HeadMask mask(c.band, c.length, visible, c.query_stride, c.key_stride);
  for (const int queries : {1, 5, 48, 64}) {
    for (const int keys : {1, 7, 8, 17, 64}) {
      for (int64_t query = 0; query + queries <= kQueries; query += 3) {
        for (int64_t key = 0; key + keys <= kKeys; key += 5) {
          std::array<uint64_t, 64> columns;
          columns.fill(0x5555555555555555u);
          const TileClass found = mask.tile(query, queries, key, keys, columns.data());
          int seen = 0;
          bool columns_right = true;
          for (int j = 0; j < keys; ++j) {
            uint64_t column = 0;
            for (int i = 0; i < queries; ++i) {
              const bool sees = mask.sees(query + i, key + j);
              seen += sees;
              column |= uint64_t{sees} << i;
              ASSERT_EQ(mask.row(query + i, key, keys) >> j & 1, uint64_t{sees});
            }
            columns_right = columns_right && column == columns[static_cast<size_t>(j)];
          }
          // Without a boolean mask an empty tile may be called partial; never the other way round.
          ASSERT_TRUE(found != TileClass::kSkip || seen == 0);
          ASSERT_TRUE(found != TileClass::kPartial || columns_right);
          ASSERT_EQ(found == TileClass::kFull, seen == queries * keys);
          ASSERT_TRUE(!c.masked || seen != 0 || found == TileClass::kSkip);
        }
      }
    }
  }
}

std::vector<unsigned char> random_bytes(uint64_t one_in) {
  std::vector<unsigned char> bytes(kQueries * kKeys * 3);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = RandomKey(9).below(i, one_in) != 0;
  return bytes;
}

TEST(HeadMask, TilesAgreeWithPairsUnderCausalOrderAndLengths) {
  for (const int64_t offset : {int64_t{-80}, int64_t{-3}, int64_t{0}, int64_t{5}, kKeys}) {
    for (const int64_t length : {int64_t{0}, int64_t{1}, int64_t{40}, kKeys}) {
      expect_consistent({{-kFar, offset + 1}, length, false, 0, 0}, {});
    }
  }
}

TEST(HeadMask, TilesAgreeWithPairsInsideAWindow) {
  for (const Band& band :
       {Band{0, 1}, Band{-9, 1}, Band{-40, 20}, Band{5, kFar}, Band{60, 61}, Band{-90, -70}}) {
    for (const int64_t length : {int64_t{0}, int64_t{40}, kKeys}) {
      expect_consistent({band, length, false, 0, 0}, {});
    }
  }
}

TEST(HeadMask, KeyBeginNeverDecreasesAndStopsAtTheLength) {
  const HeadMask mask({-3, 4}, 30, nullptr, 0, 0);
  EXPECT_EQ(mask.key_begin(0), 0);
  EXPECT_EQ(mask.key_begin(3), 0);
  EXPECT_EQ(mask.key_begin(4), 1);
  EXPECT_EQ(mask.key_begin(33), 30);
  EXPECT_EQ(mask.key_begin(90), 30);
}

TEST(HeadMask, TilesAgreeWithPairsUnderABooleanMaskOfAnyStrides) {
  const std::vector<unsigned char> bytes = random_bytes(4);
  for (const auto& [query_stride, key_stride] : std::vector<std::pair<int64_t, int64_t>>{
           {kKeys, 1}, {1, kQueries}, {2 * kKeys, 2}, {0, 1}, {1, 0}, {0, 0}}) {
    expect_consistent({{}, kKeys, true, query_stride, key_stride}, bytes);
    expect_consistent({{-kFar, 4}, 60, true, query_stride, key_stride}, bytes);
    expect_consistent({{-30, 9}, 70, true, query_stride, key_stride}, bytes);
  }
}

TEST(HeadMask, EveryByteButZeroIsTrue) {
  constexpr uint8_t kTrue[] = {1, 255, 2, 128, 254, 16};
  std::vector<unsigned char> bytes = random_bytes(4);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = bytes[i] != 0 ? kTrue[i % 6] : 0;
  for (const auto& [query_stride, key_stride] : std::vector<std::pair<int64_t, int64_t>>{
           {kKeys, 1}, {1, kQueries}, {2 * kKeys, 2}, {0, 1}, {1, 0}, {0, 0}}) {
    expect_consistent({{}, kKeys, true, query_stride, key_stride}, bytes);
    expect_consistent({{-30, 9}, 70, true, query_stride, key_stride}, bytes);
  }
}

TEST(HeadMask, AMaskThatHidesNothingIsFull) {
  std::array<uint64_t, 64> columns;
  for (const uint8_t one : std::vector<uint8_t>{1, 2, 255}) {
    std::vector<unsigned char> ones(kQueries * kKeys, one);
    for (size_t i = 0; i < ones.size(); i += 5) ones[i] = 1;
    const HeadMask mask({}, kKeys, ones.data(), kKeys, 1);
    EXPECT_EQ(mask.tile(0, 48, 0, 64, columns.data()), TileClass::kFull);
  }
}

TEST(HeadMask, KeyEndNeverDecreasesAndStopsAtTheLength) {
  const HeadMask mask({-kFar, -9}, 30, nullptr, 0, 0);
  EXPECT_EQ(mask.key_end(0), 0);
  EXPECT_EQ(mask.key_end(9), 0);
  EXPECT_EQ(mask.key_end(10), 1);
  EXPECT_EQ(mask.key_end(39), 30);
  EXPECT_EQ(mask.key_end(60), 30);
}

}  // namespace
}  // namespace attend
