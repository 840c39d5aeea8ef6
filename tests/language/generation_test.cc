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
