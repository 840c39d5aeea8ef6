// attention_decode() against float64 loops over the same cache, on every instruction set.
#include "attend/decode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "decode/answers.h"
#include "decode/cache_case.h"
#include "decode/expect_right.h"

namespace attend {
namespace {

TEST(Decode, IsRightAroundTilesAndSplitsForEveryStorage) {
  for (const DType stored : kStored) {
    for (const int64_t length : {1, 7, 8, 63, 64, 65, 511, 512, 513, 1030}) {
      expect_right({.Hq = 2, .Hkv = 2, .D = 24, .Dv = 16, .lengths = {length}, .stored = stored});
    }
  }
}

TEST(Decode, IsRightForAwkwardWidths) {
  for (const DType stored : kStored) {
    for (const int64_t D : {1, 3, 4, 7, 8, 9, 15, 16, 17, 63, 80, 257}) {
      expect_right({.Hq = 3, .Hkv = 1, .D = D, .Dv = 20, .lengths = {70}, .page_size = 16, .stored = stored});
      expect_right({.Hq = 5, .Hkv = 1, .D = 12, .Dv = D, .lengths = {70}, .page_size = 16, .stored = stored});
    }
  }
  expect_right({.D = 1024, .Dv = 1024, .lengths = {90}});
}

TEST(Decode, IsRightForEveryPageSize) {
  for (const DType stored : kStored) {
    for (const int64_t page_size : {1, 5, 16, 64, 100, 1000}) {
      expect_right({.Hq = 2,
                    .Hkv = 2,
                    .D = 32,
                    .Dv = 32,
                    .lengths = {150, 0, 530},
                    .page_size = page_size,
                    .stored = stored});
    }
  }
}

TEST(Decode, SharesKeyHeadsBetweenAnyNumberOfQueryHeads) {
  for (const DType stored : kStored) {
    for (const int64_t group : {1, 2, 3, 4, 5, 7, 8, 32, 33, 71}) {
      expect_right({.Hq = 2 * group, .Hkv = 2, .D = 40, .Dv = 48, .lengths = {77}, .stored = stored});
    }
  }
}

TEST(Decode, TakesSeveralNewQueriesAtOnce) {
  for (const DType stored : kStored) {
    for (const int64_t Tq : {2, 3, 5, 8, 33}) {
      expect_right({.Hq = 4,
                    .Hkv = 2,
                    .Tq = Tq,
                    .D = 32,
                    .Dv = 24,
                    .lengths = {100, 5, 531},
                    .page_size = 7,
                    .stored = stored});
    }
  }
}

TEST(Decode, ReadsAWholePromptAsItsOwnQueries) {
  expect_right({.Hq = 3, .Hkv = 1, .Tq = 200, .D = 16, .Dv = 16, .lengths = {200}});
}

TEST(Decode, TakesSixteenBitQueriesAndGivesSixteenBitOutputs) {
  for (const DType query : {DType::kBFloat16, DType::kFloat16}) {
    for (const DType stored : kStored) {
      expect_right({.Hq = 4,
                    .Hkv = 2,
                    .Tq = 2,
                    .D = 32,
                    .Dv = 24,
                    .lengths = {100, 5},
                    .stored = stored,
                    .query = query});
    }
  }
}

TEST(Decode, StaysAccurateWhenOneKeyOutweighsTheOthers) {
  for (const DType stored : kStored) {
    const CacheCase problem({.Hq = 4,
                             .Hkv = 2,
                             .Tq = 2,
                             .D = 64,
                             .Dv = 64,
                             .lengths = {1500, 700},
                             .stored = stored,
                             .magnitude = 20});
    const DecodeAnswer exact = problem.exact({}), plain = problem.decode({.isa = Isa::kScalar});
    for (const Isa isa : isas()) {
      const DecodeAnswer made = problem.decode({.isa = isa});
      EXPECT_LE(typical_difference(made.output, exact.output),
                2 * typical_difference(plain.output, exact.output));
      EXPECT_LE(typical_difference(made.lse, exact.lse), 2 * typical_difference(plain.lse, exact.lse));
    }
  }
}

TEST(Decode, OfASequenceWithoutKeysIsZero) {
  for (const Isa isa : isas()) {
    const CacheCase problem({.Hq = 2, .Hkv = 1, .Tq = 3, .lengths = {0, 2}});
    const DecodeAnswer answer = problem.decode({.isa = isa});
    for (size_t i = 0; i < 2 * 3 * 8; ++i) EXPECT_EQ(answer.output[i], 0);
    for (size_t i = 0; i < 2 * 3; ++i) EXPECT_EQ(answer.lse[i], -std::numeric_limits<double>::infinity());
    // Three queries and two tokens: the first query stands before the first token.
    EXPECT_EQ(answer.lse[2 * 3], -std::numeric_limits<double>::infinity());
    EXPECT_TRUE(std::isfinite(answer.lse[2 * 3 + 1]));
  }
}

TEST(Decode, NeverLetsAMaskedNanThrough) {
  for (const DType stored : kStored) {
    CacheCase problem(
        {.Hq = 6, .Hkv = 1, .Tq = 4, .D = 24, .Dv = 20, .lengths = {75}, .page_size = 10, .stored = stored});
    const DecodeAnswer clean = problem.exact({.window = {9, -1}});
    for (int64_t j = 0; j < 75; ++j) {
      if (j < 71 - 9 || j == 74) {  // not seen by query 0, which stands at 71
        problem.set_key(0, 0, j, NAN);
        problem.set_value(0, 0, j, NAN);
      }
    }
    for (const Isa isa : isas()) {
      const DecodeAnswer answer = problem.decode({.window = {9, -1}, .isa = isa});
      for (int64_t h = 0; h < 6; ++h) {
        for (int64_t i = 0; i < 4; ++i) {
          const size_t row = static_cast<size_t>(h * 4 + i);
          // The last query alone sees token 74.
          ASSERT_EQ(std::isnan(answer.lse[row]), i == 3) << name(isa) << " query " << i;
          if (i == 3) continue;
          EXPECT_NEAR(answer.lse[row], clean.lse[row], 1e-5);
          for (size_t d = 0; d < 20; ++d)
            EXPECT_NEAR(answer.output[row * 20 + d], clean.output[row * 20 + d], 1e-5);
        }
      }
    }
  }
}

TEST(Decode, SaysWhatItWouldRun) {
  const CacheCase problem({.Hq = 8, .Hkv = 2, .lengths = {2000}, .stored = DType::kBFloat16});
  std::vector<float> output(64);
  const DecodeTensors tensors = {problem.query(), problem.cache(), {output.data(), Shape{1, 8, 1, 8}}, {}};
  EXPECT_EQ(explain_decode(tensors, {.isa = Isa::kScalar}).value(),
            "reference loops on scalar over bfloat16, as pinned; 8 work items");
  for (const Isa isa : isas()) {
    if (isa == Isa::kScalar) continue;
    const std::string text = explain_decode(tensors, {.isa = isa}).value();
    for (const char* part :
         {"decode on ", "bfloat16 keys and values widened in registers", "4 query rows a pass",
          "4 heads a group", "splits of 512 keys apart, joined in order", "8 work items"}) {
      EXPECT_NE(text.find(part), std::string::npos) << text;
    }
    EXPECT_NE(text.find(name(isa)), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace attend
