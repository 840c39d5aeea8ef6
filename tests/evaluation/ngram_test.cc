#include "evaluation/ngram.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "evaluation/ngram_table.h"

namespace attend {
namespace {

using testing::ElementsAre;

TEST(WordTable, NumbersWordsInOrderOfAppearance) {
  WordTable table;
  EXPECT_THAT(table.intern(std::vector<std::string>{"a", "dog", "a", ""}), ElementsAre(0, 1, 0, 2));
  EXPECT_EQ(table.intern("dog"), 1);
  EXPECT_EQ(table.size(), 3);
}

TEST(Ngram, KnowsItsLength) {
  const WordIds words = {0, 7, INT32_MAX, 0};
  for (size_t n = 1; n <= kMaxNgram; ++n) EXPECT_EQ(Ngram(std::span(words).first(n)).length(), n);
}

TEST(Ngram, DiffersWhereWordsOrOrderDiffer) {
  const WordIds a = {0, 1}, b = {1, 0}, c = {0}, d = {0, 0}, e = {0, 1, 0};
  const std::vector<Ngram> all = {Ngram(a), Ngram(b), Ngram(c), Ngram(d), Ngram(e)};
  for (size_t i = 0; i < all.size(); ++i) {
    for (size_t j = 0; j < all.size(); ++j) EXPECT_EQ(all[i] == all[j], i == j);
  }
}

TEST(CountNgrams, CountsEveryRunOfWords) {
  const auto counts = count_ngrams(WordIds{5, 5, 5, 9});
  std::map<size_t, std::vector<int32_t>> by_length;
  for (const NgramCount& entry : counts) by_length[entry.ngram.length()].push_back(entry.count);
  EXPECT_THAT(by_length[1], testing::UnorderedElementsAre(3, 1));
  EXPECT_THAT(by_length[2], testing::UnorderedElementsAre(2, 1));
  EXPECT_THAT(by_length[3], testing::UnorderedElementsAre(1, 1));
  EXPECT_THAT(by_length[4], ElementsAre(1));
  EXPECT_TRUE(std::is_sorted(counts.begin(), counts.end(),
                             [](const auto& a, const auto& b) { return a.ngram < b.ngram; }));
  EXPECT_TRUE(count_ngrams(WordIds{}).empty());
  EXPECT_EQ(count_ngrams(WordIds{3}).size(), 1u);
}

TEST(NgramTable, GivesEachNgramOneNumber) {
  NgramTable table;
  EXPECT_EQ(table.find(Ngram(WordIds{1})), NgramTable::kAbsent);
  const RandomKey random(4);
  std::map<Ngram, uint32_t> expected;
  for (uint64_t i = 0; i < 20'000; ++i) {
    WordIds words;
    for (uint64_t n = 0; n <= random.below(5 * i, kMaxNgram); ++n) {
      words.push_back(static_cast<int32_t>(random.below(5 * i + n + 1, 12)));
    }
    words.resize(std::min(words.size(), kMaxNgram));
    const Ngram ngram(words);
    const auto next = static_cast<uint32_t>(expected.size());
    EXPECT_EQ(table.intern(ngram), expected.try_emplace(ngram, next).first->second);
  }
  EXPECT_EQ(table.size(), expected.size());
  for (const auto& [ngram, number] : expected) {
    EXPECT_EQ(table.find(ngram), number);
    EXPECT_EQ(table[number], ngram);
  }
  EXPECT_EQ(table.find(Ngram(WordIds{99})), NgramTable::kAbsent);
}

}  // namespace
}  // namespace attend
