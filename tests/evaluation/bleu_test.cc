#include "evaluation/bleu.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace attend {
namespace {

TEST(Bleu, IsOneForACaptionThatAReferenceHas) {
  BleuCounts counts;
  const std::vector<WordIds> references = {{9, 9}, {1, 2, 3, 4, 5}};
  counts.add(references[1], references);
  for (const double bleu : counts.score()) EXPECT_NEAR(bleu, 1.0, 1e-8);
}

// "the the the the the the the" of Papineni et al.: 2 of 7, "the" being twice in one reference.
TEST(Bleu, CountsAWordNoMoreOftenThanOneReferenceHasIt) {
  BleuCounts counts;
  const std::vector<WordIds> references = {{0, 1, 2, 3, 0, 4}, {5, 2, 6, 1, 3, 0, 4}};
  counts.add(WordIds(7, 0), references);
  EXPECT_NEAR(counts.score()[0], 2.0 / 7.0, 1e-9);
}

TEST(Bleu, OfTwoEquallyCloseLengthsTakesTheShorter) {
  const WordIds candidate = {1, 2, 3, 4};
  BleuCounts near_shorter, alone_longer;
  near_shorter.add(candidate, std::vector<WordIds>{{1, 2, 3, 4, 5, 6}, {1, 2}});  // 2 and 6 are as close to 4
  alone_longer.add(candidate, std::vector<WordIds>{{1, 2, 3, 4, 5, 6}});
  EXPECT_NEAR(near_shorter.score()[0], 1.0, 1e-8);
  EXPECT_NEAR(alone_longer.score()[0], std::exp(1 - 6.0 / 4.0), 1e-8);
}

TEST(Bleu, IsOfTheSumsAndNotAMeanOfScores) {
  BleuCounts counts;
  counts.add(WordIds{1}, std::vector<WordIds>{{1}});
  counts.add(WordIds{1, 2, 3}, std::vector<WordIds>{{7, 8, 9}});
  EXPECT_NEAR(counts.score()[0], 1.0 / 4.0, 1e-9);
}

TEST(Bleu, IsFiniteWhenThereIsNothingToCount) {
  BleuCounts nothing;
  BleuCounts empty;
  empty.add(WordIds{}, std::vector<WordIds>{{1, 2}, {}});
  for (const auto& counts : {nothing, empty}) {
    for (const double bleu : counts.score()) {
      EXPECT_GE(bleu, 0);
      EXPECT_LT(bleu, 1e-3);
    }
  }
}

// Papineni's sum with the smoothing of mteval: precisions 1/2, 1/2 of 1/1 and so on.
TEST(Bleu, SmoothedHalvesAMatchForEachLengthThatNothingMatched) {
  BleuCounts counts;
  counts.add(WordIds{1, 2, 3, 4, 5}, std::vector<WordIds>{{1, 2, 9, 9, 5}});
  // matches: 3 of 5, 1 of 4, none of 3, none of 2
  const double expected = std::pow(3.0 / 5 * 1.0 / 4 * 0.5 / 3 * 0.25 / 2, 0.25);
  EXPECT_NEAR(counts.smoothed(), 100 * expected, 1e-9);
}

TEST(Bleu, SmoothedIsZeroWithoutAnyMatchOrAnySentenceOfFourWords) {
  BleuCounts none, strangers, short_one;
  strangers.add(WordIds{1, 2, 3, 4, 5}, std::vector<WordIds>{{6, 7, 8, 9}});
  short_one.add(WordIds{1, 2, 3}, std::vector<WordIds>{{1, 2, 3}});
  for (const BleuCounts& counts : {none, strangers, short_one}) EXPECT_EQ(counts.smoothed(), 0);
}

TEST(Bleu, SmoothedPunishesShortCorporaAlone) {
  BleuCounts shorter, longer;
  const WordIds five = {1, 2, 3, 4, 5}, ten = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  shorter.add(five, std::vector<WordIds>{ten});
  longer.add(five, std::vector<WordIds>{{1, 2, 3, 4}});
  EXPECT_NEAR(shorter.smoothed(), 100 * std::exp(-1.0), 1e-9);
  EXPECT_NEAR(longer.smoothed(), 100 * std::pow(4.0 / 5 * 3 / 4 * 2 / 3 * 1 / 2, 0.25), 1e-9);
}

}  // namespace
}  // namespace attend
