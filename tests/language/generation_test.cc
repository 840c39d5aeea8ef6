#include "language/generation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "language/repetition.h"
#include "language/sampling.h"
#include "language/word_rules.h"
#include "toy_next_word.h"

namespace attend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Method = GenerationOptions::Method;

constexpr float kNever = -std::numeric_limits<float>::infinity();

/// The sentences of the only prompt.
std::vector<SpokenSentence> say(NextWord& model, const GenerationOptions& options) {
  return generate(model, {}, options).at(0);
}

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

TEST(Generate, AConjunctionNeverJoinsAWordWithItself) {
  // "hats and hats": 3 4 3 is likeliest, 3 4 5 comes next. 4 is the conjunction.
  const Odds fond = [](const std::vector<int32_t>& said) {
    std::vector<double> weights(8, 1e-3);
    weights[1] = said.size() == 3 ? 1 : 1e-5;
    weights[said.size() % 2 == 0 ? 3 : 4] = 0.6;
    weights[5] = said.size() == 2 ? 0.4 : 1e-3;
    return normalised(weights);
  };
  for (const Method method : {Method::kBeam, Method::kGreedy}) {
    GenerationOptions options;
    options.method = method;
    ToyNextWord free_model(8, {fond}), bound_model(8, {fond});
    const auto free = generate(free_model, SpecialWords{}, options);
    EXPECT_EQ(ids_of(free.front().front()), (std::vector<int32_t>{3, 4, 3}));
    const auto bound = generate(bound_model, SpecialWords{.conjunction = 4}, options);
    EXPECT_EQ(ids_of(bound.front().front()), (std::vector<int32_t>{3, 4, 5}));
  }
}

TEST(SpecialWords, TheConjunctionIsTheVocabularysAnd) {
  const std::vector<std::vector<std::string>> captions = {{"hats", "and", "coats"}};
  const Vocabulary with = Vocabulary::build(captions, 1), without = Vocabulary::build(captions, 2);
  EXPECT_EQ(with.decode(std::vector<int32_t>{special_words(with).conjunction}), "and");
  EXPECT_EQ(special_words(without).conjunction, Vocabulary::kUnknown) << "which is never said";
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

TEST(Generation, ABatchSaysWhatItsPromptsSayAlone) {
  for (const Method method : {Method::kBeam, Method::kGreedy, Method::kSample}) {
    std::vector<Odds> prompts;
    for (uint64_t p = 0; p < 9; ++p) prompts.push_back(random_odds(100 + p, 12, p % 3 == 0 ? 5 : 0.3));
    GenerationOptions options;
    options.method = method;
    options.samples = 3;
    options.key = RandomKey(7);
    ToyNextWord batch(12, prompts);
    const auto together = generate(batch, {}, options);
    ASSERT_EQ(together.size(), prompts.size());
    for (size_t p = 0; p < prompts.size(); ++p) {
      options.first_prompt = p;
      ToyNextWord single(12, {prompts[p]});
      const auto alone = say(single, options);
      ASSERT_EQ(together[p].size(), alone.size());
      for (size_t i = 0; i < alone.size(); ++i) {
        EXPECT_EQ(ids_of(together[p][i]), ids_of(alone[i]));
        EXPECT_EQ(together[p][i].log_probability, alone[i].log_probability);
      }
    }
  }
}

TEST(Generation, FinishedPromptsLeaveTheBatch) {
  GenerationOptions options;
  options.min_length = 0;
  ToyNextWord brief(8, {random_odds(1, 8, 1e6)});
  generate(brief, {}, options);
  ToyNextWord lengthy(8, {random_odds(2, 8, 1e-6)});
  generate(lengthy, {}, options);
  ToyNextWord both(8, {random_odds(1, 8, 1e6), random_odds(2, 8, 1e-6)});
  generate(both, {}, options);
  EXPECT_LT(brief.steps(), lengthy.steps());
  EXPECT_EQ(both.steps(), lengthy.steps());
  EXPECT_EQ(both.rows_run(), brief.rows_run() + lengthy.rows_run());
}

TEST(Generation, TheLikelyStopIsTheEarlierOne) {
  int64_t likely_steps = 0, certain_steps = 0;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    GenerationOptions options;
    ToyNextWord likely(10, {random_odds(seed, 10)});
    generate(likely, {}, options);
    options.stop = GenerationOptions::Stop::kCertain;
    ToyNextWord certain(10, {random_odds(seed, 10)});
    generate(certain, {}, options);
    EXPECT_LE(likely.steps(), certain.steps());
    likely_steps += likely.steps();
    certain_steps += certain.steps();
  }
  EXPECT_LT(likely_steps, certain_steps);
}

TEST(Greedy, TakesTheLikeliestWordAndTheLowestAmongEquals) {
  const std::vector<float> scores = {-3, -1, -2, -1, kNever};
  EXPECT_EQ(likeliest_word(scores), 1);
  const std::vector<float> nothing(4, kNever);
  EXPECT_EQ(likeliest_word(nothing), -1);

  const Odds odds = random_odds(77, 9, 0.5);
  GenerationOptions options;
  options.method = Method::kGreedy;
  options.no_repeat_ngram = 0;
  ToyNextWord model(9, {odds});
  const SpokenSentence sentence = say(model, options).at(0);
  std::vector<int32_t> said;
  for (const SpokenWord& word : sentence.words) {
    std::vector<float> next = odds(said);
    next[0] = next[2] = kNever;
    if (said.size() < 3) next[1] = kNever;
    EXPECT_EQ(word.id, std::ranges::max_element(next) - next.begin());
    said.push_back(word.id);
  }
}

TEST(Sampling, WordsComeAsOftenAsTheirProbabilitySays) {
  const std::vector<float> scores = normalised({0.5, 0.25, 0.125, 0.125});
  for (const double temperature : {1.0, 0.5, 2.0}) {
    std::vector<double> expected;
    double sum = 0;
    for (const float s : scores) expected.push_back(std::exp(s / temperature)), sum += expected.back();
    std::vector<int> counts(4);
    constexpr int kDraws = 40000;
    for (int i = 0; i < kDraws; ++i) {
      ++counts[static_cast<size_t>(
          drawn_word(scores, temperature, RandomKey(3).uniform(static_cast<uint64_t>(i))))];
    }
    for (size_t w = 0; w < 4; ++w) {
      const double p = expected[w] / sum;
      EXPECT_NEAR(counts[w] / double{kDraws}, p, 5 * std::sqrt(p * (1 - p) / kDraws))
          << "temperature " << temperature;
    }
  }
}

TEST(Sampling, ForbiddenWordsAreNeverDrawnAtTheEdges) {
  const std::vector<float> scores = {kNever, -1.0f, kNever, -2.0f, kNever};
  EXPECT_EQ(drawn_word(scores, 1, 0.0), 1);
  EXPECT_EQ(drawn_word(scores, 1, std::nextafter(1.0, 0.0)), 3);
  EXPECT_EQ(drawn_word(scores, 1e-3, 0.999999), 1);
  EXPECT_EQ(drawn_word(std::vector<float>(3, kNever), 1, 0.5), -1);
}

TEST(Sampling, TheSameKeyDrawsTheSameSentencesAndAnotherKeyOthers) {
  GenerationOptions options;
  options.method = Method::kSample;
  options.samples = 8;
  const auto draw = [&](uint64_t seed) {
    options.key = RandomKey(seed);
    ToyNextWord model(20, {random_odds(4, 20, 0.5)});
    std::vector<std::vector<int32_t>> ids;
    for (const SpokenSentence& sentence : say(model, options)) ids.push_back(ids_of(sentence));
    return ids;
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
  EXPECT_NE(draw(1)[0], draw(1)[1]);
}

TEST(Repetition, NamesTheWordsThatWouldCloseARepeatedNgram) {
  const std::vector<int32_t> said = {5, 6, 7, 5, 6, 8, 5, 6};
  EXPECT_THAT(words_that_repeat(said, 3), ElementsAre(7, 8));
  EXPECT_THAT(words_that_repeat(said, 2), ElementsAre(7, 8));
  EXPECT_THAT(words_that_repeat(said, 1), ElementsAre(5, 6, 7, 5, 6, 8, 5, 6));
  EXPECT_THAT(words_that_repeat(said, 0), ElementsAre());
  EXPECT_THAT(words_that_repeat(said, 9), ElementsAre());
  EXPECT_THAT(words_that_repeat({}, 1), ElementsAre());
  const std::vector<int32_t> runs = {4, 4, 4};
  EXPECT_THAT(words_that_repeat(runs, 3), ElementsAre(4));
}

TEST(GenerationOptions, OptionsOutOfRangeAreNamedWithTheirValue) {
  EXPECT_TRUE(check({}).ok());
  const auto message = [](auto change) {
    GenerationOptions options;
    change(options);
    return check(options).message();
  };
  EXPECT_THAT(message([](auto& o) { o.beam = 0; }), HasSubstr("beam is 0"));
  EXPECT_THAT(message([](auto& o) { o.samples = -1; }), HasSubstr("samples is -1"));
  EXPECT_THAT(message([](auto& o) { o.length_exponent = -0.5; }), HasSubstr("length_exponent is -0.5"));
  EXPECT_THAT(message([](auto& o) { o.length_exponent = std::nan(""); }),
              HasSubstr("length_exponent is nan"));
  EXPECT_THAT(message([](auto& o) { o.no_repeat_ngram = -1; }), HasSubstr("no_repeat_ngram is -1"));
  EXPECT_THAT(message([](auto& o) { o.max_length = 0; }), HasSubstr("max_length is 0"));
  EXPECT_THAT(message([](auto& o) { o.min_length = 25; }),
              HasSubstr("min_length is 25, and must be from 0 to 24"));
  EXPECT_THAT(message([](auto& o) { o.temperature = 0; }), HasSubstr("temperature is 0"));
}

/// A model whose prompts have limits of their own.
class LimitedPrompts final : public NextWord {
 public:
  LimitedPrompts(ToyNextWord& model, std::vector<int64_t> limits)
      : model_(model), limits_(std::move(limits)) {}
  int64_t prompts() const override { return model_.prompts(); }
  int64_t vocabulary() const override { return model_.vocabulary(); }
  int64_t most_words_about(int64_t prompt) const override { return limits_[static_cast<size_t>(prompt)]; }
  Matrix<float> advance(std::span<const int32_t> parents, std::span<const int32_t> words,
                        std::span<const int64_t> offsets) override {
    return model_.advance(parents, words, offsets);
  }
  ConstMatrix<float> attention() const override { return model_.attention(); }

 private:
  ToyNextWord& model_;
  std::vector<int64_t> limits_;
};

TEST(Generation, ASentenceEndsAtTheLimitOfItsOwnPrompt) {
  for (const Method method : {Method::kBeam, Method::kGreedy, Method::kSample}) {
    ToyNextWord model(7, {random_odds(1, 7, 1e-6), random_odds(2, 7, 1e-6)});
    LimitedPrompts limited(model, {4, 9});
    GenerationOptions options;
    options.method = method;
    options.no_repeat_ngram = 0;
    const auto sentences = generate(limited, {}, options);
    EXPECT_EQ(ids_of(sentences[0].front()).size(), 4u);
    EXPECT_EQ(ids_of(sentences[1].front()).size(), 9u);
  }
}

}  // namespace
}  // namespace attend
