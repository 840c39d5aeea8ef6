#include "attention/overlap.h"

#include <gtest/gtest.h>

#include <limits>
#include <optional>
#include <set>
#include <vector>

#include "base/random.h"

namespace attend {
namespace {

/// The addresses of a view's elements, one by one.
std::multiset<int64_t> addresses(const TensorView& v) {
  std::multiset<int64_t> all;
  for (int64_t a = 0; a < v.shape[0]; ++a)
    for (int64_t b = 0; b < v.shape[1]; ++b)
      for (int64_t c = 0; c < v.shape[2]; ++c)
        for (int64_t d = 0; d < v.shape[3]; ++d) {
          const int64_t at = a * v.stride[0] + b * v.stride[1] + c * v.stride[2] + d * v.stride[3];
          all.insert(reinterpret_cast<intptr_t>(v.data) + at * static_cast<int64_t>(size_of(v.dtype)));
        }
  return all;
}

bool really_overlap(const TensorView& a, const TensorView& b) {
  const std::multiset<int64_t> mine = addresses(a), other = addresses(b);
  return std::any_of(mine.begin(), mine.end(), [&other](int64_t x) { return other.count(x) != 0; });
}

bool really_overlaps_itself(const TensorView& v) {
  const std::multiset<int64_t> all = addresses(v);
  return std::set<int64_t>(all.begin(), all.end()).size() != all.size();
}

TensorView random_view(const float* memory, RandomKey key) {
  auto pick = [&key, n = uint64_t{0}](uint64_t below) mutable {
    return static_cast<int64_t>(key.below(n++, below));
  };
  const Shape shape = {pick(3) + 1, pick(3) + 1, pick(3) + 1, pick(4) + 1};
  const Shape stride = {pick(50) - 10, pick(30) - 5, pick(20), 1};
  return TensorView(memory + 200 + pick(60), shape, stride);
}

TEST(Overlap, IsNeverMissed) {
  const std::vector<float> memory(1000);
  int found = 0, apart = 0;
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    const TensorView a = random_view(memory.data(), RandomKey(seed)),
                     b = random_view(memory.data(), RandomKey(~seed));
    const bool said = overlap(a, *byte_range(a), b, *byte_range(b));
    if (really_overlap(a, b)) {
      ASSERT_TRUE(said) << seed;
      ++found;
    } else {
      apart += !said;
    }
    if (really_overlaps_itself(a)) {
      ASSERT_TRUE(overlaps_itself(a)) << seed;
    }
  }
  EXPECT_GT(found, 1000);
  EXPECT_GT(apart, 1000);
}

TEST(Overlap, DenseTensorsInAnyOrderOfAxesAreFreeOfIt) {
  const std::vector<float> memory(1000);
  for (const Shape& stride : {Shape{60, 20, 5, 1}, Shape{60, 5, 15, 1}, Shape{20, 40, 5, 1}}) {
    EXPECT_FALSE(overlaps_itself(TensorView(memory.data(), Shape{2, 3, 4, 5}, stride))) << stride[0];
  }
  EXPECT_TRUE(overlaps_itself(TensorView(memory.data(), Shape{2, 3, 4, 5}, Shape{0, 20, 5, 1})));
  EXPECT_FALSE(overlaps_itself(TensorView(memory.data(), Shape{1, 3, 4, 5}, Shape{0, 20, 5, 1})));
}

TEST(Overlap, ATensorWithoutElementsIsFreeOfItWhateverItsStrides) {
  const std::vector<float> memory(1000);
  for (const Shape& shape : {Shape{2, 3, 0, 5}, Shape{2, 3, 4, 0}, Shape{0, 3, 4, 5}}) {
    EXPECT_FALSE(overlaps_itself(TensorView(memory.data(), shape)));
  }
}

TEST(Overlap, NeighboursInterleavedWithinARowAreToldApart) {
  const std::vector<float> memory(1000);
  const auto third = [&](int64_t first) {
    return TensorView(memory.data() + first, Shape{2, 2, 5, 4}, Shape{120, 4, 24, 1});
  };
  const auto said = [](const TensorView& a, const TensorView& b) {
    return overlap(a, *byte_range(a), b, *byte_range(b));
  };
  EXPECT_FALSE(said(third(0), third(8)));
  EXPECT_FALSE(said(third(16), third(8)));
  EXPECT_TRUE(said(third(0), third(7)));
  EXPECT_TRUE(said(third(0), third(24)));
}

TEST(ByteRange, OfAViewWithoutElementsIsEmpty) {
  const std::vector<float> memory(10);
  EXPECT_TRUE(byte_range(TensorView(memory.data(), Shape{1, 0, 4, 4}))->empty());
}

TEST(ByteRange, OfAViewWithoutElementsIsEmptyHoweverFarApartTheyWouldBe) {
  const std::vector<float> memory(10);
  const int64_t far = std::numeric_limits<int64_t>::max() / 2;
  const std::optional<ByteRange> range =
      byte_range(TensorView(memory.data(), Shape{3, 1, 0, 8}, Shape{far, 8, 8, 1}));
  ASSERT_TRUE(range.has_value());
  EXPECT_TRUE(range->empty());
}

TEST(ByteRange, FollowsNegativeStrides) {
  const std::vector<float> memory(40);
  const TensorView view(memory.data() + 30, Shape{1, 1, 4, 5}, Shape{0, 0, -10, 1});
  const int64_t base = reinterpret_cast<intptr_t>(memory.data());
  EXPECT_EQ(byte_range(view)->first, base);
  EXPECT_EQ(byte_range(view)->last, base + 35 * 4);
}

TEST(ByteRange, EndsBelowTheFirstAddress) {
  const bool memory[4] = {};
  const int64_t least = std::numeric_limits<int64_t>::min();
  EXPECT_FALSE(byte_range(TensorView(memory, Shape{1, 1, 2, 2}, Shape{0, 0, least, 1})).has_value());
}

TEST(Overlap, TheLeastStrideOfAnAxisOfOneIsNoMatter) {
  const std::vector<float> memory(40);
  const int64_t least = std::numeric_limits<int64_t>::min();
  const TensorView row(memory.data(), Shape{1, 1, 1, 5}, Shape{least, 0, least, 1});
  EXPECT_FALSE(overlaps_itself(row));
  EXPECT_TRUE(overlap(row, *byte_range(row), row, *byte_range(row)));
}

}  // namespace
}  // namespace attend
