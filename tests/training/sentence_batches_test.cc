#include "training/sentence_batches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "cli/temporary_folder.h"
#include "training/sentence_pairs.h"

namespace attend {
namespace {

std::vector<SentencePair> pairs_of_many_lengths() {
  std::vector<SentencePair> pairs;
  const RandomKey key(4);
  for (uint64_t i = 0; i < 200; ++i) {
    pairs.push_back({std::vector<int32_t>(1 + key.below(2 * i, 12), static_cast<int32_t>(i)),
                     std::vector<int32_t>(1 + key.below(2 * i + 1, 15), static_cast<int32_t>(i))});
  }
  pairs.push_back({{1}, std::vector<int32_t>(300, 2)});  // longer than a batch
  return pairs;
}

int64_t pieces(const std::vector<SentencePair>& pairs, const std::vector<int64_t>& picked) {
  int64_t sum = 0;
  for (const int64_t i : picked) sum += std::ssize(pairs[static_cast<size_t>(i)].target) + 1;
  return sum;
}

TEST(SentenceBatches, EveryPairComesOnceAnEpochInBatchesOfBoundedSize) {
  const std::vector<SentencePair> pairs = pairs_of_many_lengths();
  SentenceBatches batches(pairs, 100, 1);
  for (const int64_t epoch : {0, 1, 5}) {
    std::multiset<int64_t> seen;
    for (int64_t batch = 0; batch < batches.batches(); ++batch) {
      const std::vector<int64_t> picked = batches.pick(epoch, batch);
      ASSERT_FALSE(picked.empty());
      EXPECT_TRUE(picked.size() == 1 || pieces(pairs, picked) <= 100);
      seen.insert(picked.begin(), picked.end());
      const auto length = [&](int64_t i) { return pairs[static_cast<size_t>(i)].target.size(); };
      EXPECT_LE(length(picked.back()) - length(picked.front()), 3u) << "of like length";
      EXPECT_TRUE(std::ranges::is_sorted(picked, {}, length)) << "alike side by side";
    }
    EXPECT_EQ(seen.size(), pairs.size());
    EXPECT_EQ(std::set<int64_t>(seen.begin(), seen.end()).size(), pairs.size());
  }
}

TEST(SentenceBatches, AnEpochIsAFunctionOfSeedAndNumber) {
  const std::vector<SentencePair> pairs = pairs_of_many_lengths();
  SentenceBatches one(pairs, 100, 1), same(pairs, 100, 1), other(pairs, 100, 2);
  const std::vector<int64_t> first = one.pick(0, 0);
  EXPECT_NE(one.pick(1, 0), first);
  EXPECT_EQ(same.pick(1, 0), one.pick(1, 0)) << "whatever was asked for before";
  EXPECT_EQ(one.pick(0, 0), first);
  EXPECT_NE(other.pick(0, 0), first);
  EXPECT_EQ(one.batches(), other.batches());
}

TEST(PackedPairs, AreSourcesWithTheirEndsAndTargetsShiftedByOne) {
  PackedPairs packed({.start = 8, .end = 9, .unknown = 0});
  packed.add({{1, 2}, {3}});
  packed.add({{4}, {5, 6}});
  const TranslationBatch batch = packed.batch();
  using ::testing::ElementsAre;
  EXPECT_THAT(batch.source, ElementsAre(1, 2, 9, 4, 9));
  EXPECT_THAT(batch.sources, ElementsAre(0, 3, 5));
  EXPECT_THAT(batch.words, ElementsAre(8, 3, 8, 5, 6));
  EXPECT_THAT(batch.next_words, ElementsAre(3, 9, 5, 6, 9));
  EXPECT_THAT(batch.targets, ElementsAre(0, 2, 5));
  EXPECT_EQ(packed.rows(), 5);
  EXPECT_EQ(packed.pairs(), 2);
  packed.clear();
  EXPECT_EQ(packed.rows() + packed.pairs(), 0);
}

TEST(SentencePairs, LinesAreReadWhateverEndsThem) {
  const TemporaryFolder folder;
  using ::testing::ElementsAre;
  EXPECT_THAT(read_lines(folder.file("a", "one\r\n\ntwo")).value(), ElementsAre("one", "", "two"));
  EXPECT_TRUE(read_lines(folder.file("b", "")).value().empty());
  EXPECT_THAT(read_lines(folder.file("c", "\xef\xbb\xbfone\ntwo")).value(), ElementsAre("one", "two"));
  EXPECT_EQ(read_lines(folder / "none").status().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace attend
