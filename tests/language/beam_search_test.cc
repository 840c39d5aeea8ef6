// Beam search against exhaustive search, and its rules one by one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "language/generation.h"
#include "toy_next_word.h"

namespace attend {
namespace {

using ::testing::ElementsAre;
using Method = GenerationOptions::Method;

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// A whole sentence of the exhaustive search.
struct Candidate {
  std::vector<int32_t> ids;
  double log_probability;
  double score;
};

bool repeats(const std::vector<int32_t>& ids, int n) {
  if (n == 0) return false;
  const size_t size = static_cast<size_t>(n);
  for (size_t i = 0; i + size <= ids.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (std::equal(ids.begin() + static_cast<std::ptrdiff_t>(i),
                     ids.begin() + static_cast<std::ptrdiff_t>(i + size),
                     ids.begin() + static_cast<std::ptrdiff_t>(j))) {
        return true;
      }
    }
  }
  return false;
}

/// Every sentence that the options allow, by plain recursion.
void enumerate(const Odds& odds, const GenerationOptions& options, std::vector<int32_t>& said,
               double log_probability, std::vector<Candidate>& all) {
  const std::vector<float> scores = odds(said);
  if (static_cast<int>(said.size()) >= options.min_length) {
    const double total = log_probability + scores[1];
    all.push_back(
        {said, total, total / std::pow(static_cast<double>(said.size() + 1), options.length_exponent)});
  }
  if (static_cast<int>(said.size()) == options.max_length) return;
  for (size_t w = 3; w < scores.size(); ++w) {
    said.push_back(static_cast<int32_t>(w));
    if (!repeats(said, options.no_repeat_ngram))
      enumerate(odds, options, said, log_probability + scores[w], all);
    said.pop_back();
  }
}

std::vector<Candidate> exhaustive(const Odds& odds, const GenerationOptions& options) {
  std::vector<Candidate> all;
  std::vector<int32_t> said;
  enumerate(odds, options, said, 0, all);
  std::ranges::stable_sort(all, std::greater{}, &Candidate::score);
  return all;
}

TEST(BeamSearch, AWideBeamFindsWhatExhaustiveSearchFinds) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    GenerationOptions options;
    options.beam = 300;
    options.stop = GenerationOptions::Stop::kCertain;
    options.max_length = 1 + static_cast<int>(seed % 5);
    options.min_length = std::min<int>(static_cast<int>(seed % 3), options.max_length);
    options.no_repeat_ngram = static_cast<int>(seed % 4);
    options.length_exponent = 0.5 * static_cast<double>(seed % 4);
    const Odds odds = random_odds(seed, 6, 0.2);
    ToyNextWord model(6, {odds});
    const std::vector<SpokenSentence> found = say(model, options);
    const std::vector<Candidate> all = exhaustive(odds, options);
    ASSERT_EQ(found.size(), std::min<size_t>(all.size(), 300)) << "seed " << seed;
    for (size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(ids_of(found[i]), all[i].ids) << "seed " << seed << ", rank " << i;
      EXPECT_NEAR(found[i].log_probability, all[i].log_probability, 1e-5);
      EXPECT_TRUE(found[i].ended);
    }
  }
}

TEST(BeamSearch, ANarrowBeamNeverClaimsMoreThanTheBestSentenceHas) {
  for (uint64_t seed = 0; seed < 40; ++seed) {
    GenerationOptions options;
    options.max_length = 5;
    const Odds odds = random_odds(seed, 7, 0.3);
    ToyNextWord model(7, {odds});
    const std::vector<SpokenSentence> found = say(model, options);
    const std::vector<Candidate> all = exhaustive(odds, options);
    ASSERT_FALSE(found.empty());
    ASSERT_LE(found.size(), 3u);
    double last = all.front().score + 1e-9;
    for (const SpokenSentence& sentence : found) {
      const auto same = std::ranges::find(all, ids_of(sentence), &Candidate::ids);
      ASSERT_NE(same, all.end());
      EXPECT_NEAR(sentence.log_probability, same->log_probability, 1e-5);
      EXPECT_LE(same->score, last);
      last = same->score + 1e-9;
    }
  }
}

TEST(BeamSearch, WordProbabilitiesMultiplyToTheSentencesProbability) {
  const Odds odds = random_odds(5, 8, 0.5);
  ToyNextWord model(8, {odds});
  for (const SpokenSentence& sentence : say(model, {})) {
    std::vector<int32_t> said;
    double total = 0;
    for (const SpokenWord& word : sentence.words) {
      EXPECT_NEAR(word.probability, std::exp(odds(said)[static_cast<size_t>(word.id)]), 1e-6);
      total += std::log(word.probability);
      said.push_back(word.id);
    }
    EXPECT_NEAR(sentence.log_probability, total + odds(said)[1], 1e-5);
  }
}

TEST(BeamSearch, TheMapOfAWordIsWhereTheStepThatProducedItLooked) {
  for (const Method method : {Method::kBeam, Method::kGreedy, Method::kSample}) {
    GenerationOptions options;
    options.method = method;
    options.beam = 4;
    options.samples = 4;
    options.keep_attention = true;
    ToyNextWord model(9, {random_odds(1, 9, 0.1), random_odds(2, 9, 0.2), random_odds(3, 9, 2)});
    const auto sentences = generate(model, {}, options);
    for (size_t p = 0; p < sentences.size(); ++p) {
      for (const SpokenSentence& sentence : sentences[p]) {
        std::vector<int32_t> before;
        for (const SpokenWord& word : sentence.words) {
          EXPECT_EQ(word.attention, ToyNextWord::look(p, before));
          before.push_back(word.id);
        }
        EXPECT_GE(before.size(), 3u);
      }
    }
  }
}

TEST(BeamSearch, AttentionIsLeftOutUnlessAskedFor) {
  ToyNextWord model(9, {random_odds(1, 9)});
  const SpokenSentence best = say(model, {}).at(0);
  for (const SpokenWord& word : best.words) EXPECT_TRUE(word.attention.empty());
}

TEST(BeamSearch, TiesGoToTheLowerWord) {
  const Odds even = [](const std::vector<int32_t>& said) {
    std::vector<double> weights(6, 1.0);
    weights[1] = said.size() == 2 ? 50 : 1e-9;
    return normalised(weights);
  };
  GenerationOptions options;
  options.beam = 3;
  options.min_length = 2;
  ToyNextWord model(6, {even});
  const std::vector<SpokenSentence> found = say(model, options);
  ASSERT_EQ(found.size(), 3u);
  EXPECT_THAT(ids_of(found[0]), ElementsAre(3, 3));
  EXPECT_THAT(ids_of(found[1]), ElementsAre(3, 4));
  EXPECT_THAT(ids_of(found[2]), ElementsAre(3, 5));
}

TEST(BeamSearch, LengthNormalisationIsWhatKeepsShortSentencesFromWinning) {
  // Ending at once costs ln 4; saying four more words first costs 5 ln 1.4.
  const Odds odds = [](const std::vector<int32_t>& said) {
    std::vector<float> scores(4, kNever);
    if (said.size() == 4) {
      scores[1] = -std::log(1.4f);
    } else {
      scores[1] = said.empty() ? -std::log(4.0f) : -20.0f;
      scores[3] = -std::log(1.4f);
    }
    return scores;
  };
  GenerationOptions options;
  options.min_length = 0;
  options.no_repeat_ngram = 0;
  options.length_exponent = 0;
  ToyNextWord plain(4, {odds});
  EXPECT_EQ(say(plain, options).at(0).words.size(), 0u);
  options.length_exponent = 1;
  ToyNextWord normalised_by_length(4, {odds});
  EXPECT_EQ(say(normalised_by_length, options).at(0).words.size(), 4u);
}

TEST(BeamSearch, MinimumAndMaximumLengthHold) {
  for (const Method method : {Method::kBeam, Method::kGreedy, Method::kSample}) {
    for (const double end : {1e-6, 1e6}) {
      GenerationOptions options;
      options.method = method;
      options.samples = 5;
      options.length_exponent = 4;  // the longer, the better
      options.min_length = 4;
      options.max_length = 6;
      ToyNextWord model(8, {random_odds(11, 8, end)});
      const std::vector<SpokenSentence> sentences = say(model, options);
      EXPECT_EQ(sentences.front().words.size(), end > 1 ? 4u : 6u);
      EXPECT_EQ(sentences.front().ended, end > 1 || method == Method::kBeam);
      for (const SpokenSentence& sentence : sentences) {
        EXPECT_GE(sentence.words.size(), 4u);
        EXPECT_LE(sentence.words.size(), 6u);
      }
    }
  }
}

TEST(BeamSearch, TheModelsOwnLimitHoldsToo) {
  for (const Method method : {Method::kBeam, Method::kGreedy, Method::kSample}) {
    GenerationOptions options;
    options.method = method;
    ToyNextWord model(8, {random_odds(11, 8, 1e-6)});
    model.limit_words(5);
    EXPECT_EQ(say(model, options).at(0).words.size(), 5u);
  }
}

TEST(BeamSearch, StartAndUnknownAreNeverSaid) {
  const Odds wrong = [](const std::vector<int32_t>& said) {
    std::vector<double> weights(6, 1e-3);
    weights[0] = weights[2] = 10;
    weights[1] = said.size() > 4 ? 1 : 1e-4;
    return normalised(weights);
  };
  for (const Method method : {Method::kBeam, Method::kGreedy, Method::kSample}) {
    GenerationOptions options;
    options.method = method;
    ToyNextWord model(6, {wrong});
    for (const SpokenSentence& sentence : say(model, options)) {
      for (const SpokenWord& word : sentence.words) EXPECT_GE(word.id, 3);
    }
  }
}

TEST(BeamSearch, NoNgramComesTwice) {
  // A model that goes in circles: 3 4 5 3 4 5 ...
  const Odds circle = [](const std::vector<int32_t>& said) {
    std::vector<double> weights(8, 1e-3);
    weights[static_cast<size_t>(said.empty() ? 3 : (said.back() - 3 + 1) % 3 + 3)] = 1;
    weights[1] = 1e-5;
    return normalised(weights);
  };
  for (const Method method : {Method::kBeam, Method::kGreedy, Method::kSample}) {
    for (const int n : {0, 1, 2, 3}) {
      GenerationOptions options;
      options.method = method;
      options.no_repeat_ngram = n;
      options.max_length = 12;
      options.min_length = n == 1 ? 3 : 12;
      ToyNextWord model(8, {circle});
      for (const SpokenSentence& sentence : say(model, options)) {
        EXPECT_EQ(repeats(ids_of(sentence), n == 0 ? 3 : n), n == 0);
      }
    }
  }
}

TEST(BeamSearch, ASentenceThatNothingMayFollowIsCut) {
  const Odds dumb = [](const std::vector<int32_t>& said) {
    std::vector<float> scores(5, kNever);
    if (said.empty()) scores[3] = std::log(0.5f), scores[4] = std::log(0.5f);
    return scores;
  };
  const Odds broken = [](const std::vector<int32_t>&) {
    return std::vector<float>(5, std::numeric_limits<float>::quiet_NaN());
  };
  for (const Method method : {Method::kBeam, Method::kGreedy, Method::kSample}) {
    GenerationOptions options;
    options.method = method;
    ToyNextWord model(5, {dumb, broken});
    const auto sentences = generate(model, {}, options);
    ASSERT_FALSE(sentences[0].empty());
    EXPECT_FALSE(sentences[0][0].ended);
    EXPECT_EQ(sentences[0][0].words.size(), 1u);
    ASSERT_FALSE(sentences[1].empty());
    EXPECT_FALSE(sentences[1][0].ended);
    EXPECT_TRUE(sentences[1][0].words.empty());
  }
}

}  // namespace
}  // namespace attend
