#include "evaluation/cider_d.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "base/random.h"

namespace attend {
namespace {

using ImageReferences = std::vector<std::vector<WordIds>>;

const ImageReferences kThreeImages = {{{1, 2, 3, 4, 5}, {1, 2, 3}}, {{1, 6, 7, 8, 9}}, {{1, 10, 11, 12}}};

TEST(CiderD, IsTenForTheOnlyReferenceItself) {
  const CiderD cider(kThreeImages);
  EXPECT_NEAR(cider.score(kThreeImages[1][0], 1), 10.0, 1e-12);
  EXPECT_EQ(cider.images(), 3);
}

TEST(CiderD, AWordThatAllImagesShareIsWorthNothing) {
  const CiderD cider(kThreeImages);
  EXPECT_EQ(cider.score(WordIds{1}, 1), 0.0);
  EXPECT_EQ(cider.score(WordIds{1, 1, 1}, 2), 0.0);
}

TEST(CiderD, AnotherImagesCaptionScoresNothing) {
  const CiderD cider(kThreeImages);
  EXPECT_EQ(cider.score(kThreeImages[2][0], 1), 0.0);
  EXPECT_EQ(cider.score(WordIds{}, 1), 0.0);
}

// One unigram of weight log 3 in the candidate; the reference has four of them (and a common word of weight
// 0).
TEST(CiderD, FollowsItsFormula) {
  const CiderD cider(kThreeImages);
  const double cosine = 1.0 / std::sqrt(4.0);
  EXPECT_NEAR(cider.score(WordIds{6}, 1), 10 * cosine / 4 * std::exp(-16.0 / 72.0), 1e-12);
}

TEST(CiderD, RepeatingARareWordDoesNotPay) {
  const CiderD cider(kThreeImages);
  EXPECT_LT(cider.score(WordIds{6, 6, 6, 6, 6}, 1), cider.score(WordIds{6, 50, 51, 52, 53}, 1) + 1e-12);
}

TEST(CiderD, UnseenWordsLowerTheScoreAsRareOnes) {
  const CiderD cider(kThreeImages);
  // Unigrams of weight log 3 on both sides: two seen of three.
  const WordIds candidate = {6, 7, 999};
  const double unigrams = 2.0 / (std::sqrt(3.0) * 2.0);
  const double bigrams = 1.0 / (std::sqrt(2.0) * 2.0);
  EXPECT_NEAR(cider.score(candidate, 1), 10 * (unigrams + bigrams) / 4 * std::exp(-4.0 / 72.0), 1e-12);
}

TEST(CiderD, ASingleImageHasNoRareWords) {
  const CiderD cider(ImageReferences{{{1, 2, 3}}});
  EXPECT_EQ(cider.score(WordIds{1, 2, 3}, 0), 0.0);
}

TEST(CiderD, EmptyReferencesAndNoImagesAreNoFaults) {
  const CiderD nothing(ImageReferences{});
  EXPECT_EQ(nothing.images(), 0);
  const CiderD cider(ImageReferences{{{}}, {{1, 2}, {}}});
  EXPECT_EQ(cider.score(WordIds{1, 2}, 0), 0.0);
  const double unigrams_and_bigrams = 10 * 2.0 / 4.0 / 2.0;  // of one reference of two
  EXPECT_NEAR(cider.score(WordIds{1, 2}, 1), unigrams_and_bigrams, 1e-12);
}

// The reward of a self-critical batch must cost nothing beside the decoder.
TEST(CiderD, ScoresTensOfThousandsOfCaptionsASecond) {
  const RandomKey random(2);
  uint64_t next = 0;
  const auto sentence = [&] {  // word r has probability about 1 / r, as in language
    WordIds words(11);
    for (int32_t& word : words) word = static_cast<int32_t>(std::pow(3000.0, random.uniform(next++)));
    return words;
  };
  ImageReferences references(2000);
  for (auto& of_image : references) {
    for (int r = 0; r < 5; ++r) of_image.push_back(sentence());
  }
  const CiderD cider(references);
  std::vector<WordIds> candidates(4000);
  for (WordIds& candidate : candidates) candidate = sentence();

  const auto start = std::chrono::steady_clock::now();
  double sum = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    sum += cider.score(candidates[i], static_cast<int64_t>(i % references.size()));
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  const double rate = static_cast<double>(candidates.size()) / elapsed.count();
  RecordProperty("captions_per_second", std::to_string(rate));
  EXPECT_GT(sum, 0);
  EXPECT_GT(rate, 1000);  // a hundredth of what was measured, for sanitizers and busy machines
}

}  // namespace
}  // namespace attend
