#include "translation/translate.h"

#include <gtest/gtest.h>

#include <cmath>

#include "translation/model_testing.h"

namespace attend::testing {
namespace {

constexpr SpecialWords kSpecial = {.start = 0, .end = 1, .unknown = 2};

GenerationOptions beam_of(int beam) {
  GenerationOptions options;
  options.beam = beam;
  options.no_repeat_ngram = 0;
  options.min_length = 1;
  options.max_length = 1000;
  if (beam == 1) options.method = GenerationOptions::Method::kGreedy;
  return options;
}

std::vector<std::vector<int32_t>> sources() {
  return {{5, 9, 3}, {7}, {4, 11, 10, 6, 8}, {12, 12}, {3, 4, 5}, {9}, {8, 7, 6, 5, 4, 3}};
}

std::vector<int32_t> ids_of(const SpokenSentence& sentence) {
  std::vector<int32_t> ids;
  for (const SpokenWord& word : sentence.words) ids.push_back(word.id);
  return ids;
}

/// The natural log-probability of each next piece, by the whole forward pass over all that was said.
std::vector<double> uncached(const TranslationModel<float>& model, std::vector<int32_t> source,
                             const std::vector<int32_t>& said) {
  source.push_back(kSpecial.end);
  std::vector<int32_t> words = {kSpecial.start};
  words.insert(words.end(), said.begin(), said.end());
  const std::vector<int64_t> sources = {0, static_cast<int64_t>(source.size())},
                             targets = {0, static_cast<int64_t>(words.size())};
  Arena arena;
  Pass pass(arena, serial_executor());
  const Matrix<float> state = model.encode(source, sources, pass);
  const Matrix<float> logits = model.decoder.forward(
      words, {targets, targets}, model.decoder.remember(state, state, sources, pass), pass, nullptr);
  const std::span<const float> last = logits.row(logits.rows - 1);
  double sum = 0;
  for (const float x : last) sum += std::exp(static_cast<double>(x));
  std::vector<double> scores;
  for (const float x : last) scores.push_back(static_cast<double>(x) - std::log(sum));
  return scores;
}

TEST(Translate, StepsWithCachedKeysAndValuesSayWhatTheWholePassWould) {
  const TranslationModel<float> model = tiny_model<float>();
  for (const auto& source : sources()) {
    const std::vector<std::vector<int32_t>> one = {source};
    const SpokenSentence spoken = translate(one, kSpecial, beam_of(3), 4, model, serial_executor()).front();
    std::vector<int32_t> said;
    double total = 0;
    for (const SpokenWord& word : spoken.words) {
      const double score = uncached(model, source, said)[static_cast<size_t>(word.id)];
      EXPECT_NEAR(std::log(static_cast<double>(word.probability)), score, 1e-4);
      total += score;
      said.push_back(word.id);
    }
    if (spoken.ended) total += uncached(model, source, said)[1];
    EXPECT_NEAR(spoken.log_probability, total, 1e-3);
  }
}

TEST(Translate, GreedyIsTheLikeliestPieceOfTheWholePassAtEveryStep) {
  const TranslationModel<float> model = tiny_model<float>();
  for (const auto& source : sources()) {
    const std::vector<std::vector<int32_t>> one = {source};
    const SpokenSentence spoken = translate(one, kSpecial, beam_of(1), 1, model, serial_executor()).front();
    std::vector<int32_t> said;
    for (const SpokenWord& word : spoken.words) {
      std::vector<double> scores = uncached(model, source, said);
      scores[0] = scores[2] = -1e9;        // start and unknown are never said
      if (said.empty()) scores[1] = -1e9;  // nor is nothing
      const auto best = std::ranges::max_element(scores) - scores.begin();
      EXPECT_EQ(best, word.id);
      said.push_back(word.id);
    }
  }
}

TEST(Translate, ManySentencesAtOnceGiveWhatEachGivesAlone) {
  const TranslationModel<float> model = tiny_model<float>();
  const std::vector<std::vector<int32_t>> all = sources();
  for (const int beam : {1, 2, 5}) {
    const auto together = translate(all, kSpecial, beam_of(beam), 32, model, serial_executor());
    const auto in_twos = translate(all, kSpecial, beam_of(beam), 2, model, serial_executor());
    ASSERT_EQ(together.size(), all.size());
    for (size_t i = 0; i < all.size(); ++i) {
      const auto alone =
          translate(std::span(&all[i], 1), kSpecial, beam_of(beam), 32, model, serial_executor());
      EXPECT_EQ(ids_of(together[i]), ids_of(alone.front())) << "beam " << beam << ", sentence " << i;
      EXPECT_EQ(ids_of(in_twos[i]), ids_of(alone.front())) << "beam " << beam << ", sentence " << i;
      EXPECT_NEAR(together[i].log_probability, alone.front().log_probability, 1e-4);
    }
  }
}

TEST(Translate, ASentenceWithoutAnEndIsCutAtTwiceItsSourceAndTen) {
  TranslationModel<float> model = tiny_model<float>();
  for (Parameter<float>* p :
       model.parameters()) {  // an end that is never likely: what is said has no use for it
    if (p->name() == "decoder.norm.bias") std::ranges::fill(p->value().values(), 0.0f);
    if (p->name() == "decoder.norm.weight") std::ranges::fill(p->value().values(), 1e-3f);
  }
  for (Parameter<float>* p : model.parameters()) {
    if (p->name() != "decoder.words.weight") continue;
    std::ranges::fill(p->value().row(1), 0.0f);
  }
  const std::vector<std::vector<int32_t>> two = {{7}, {5, 9, 3, 4}};
  const auto spoken = translate(two, kSpecial, beam_of(1), 2, model, serial_executor());
  for (size_t i = 0; i < 2; ++i) {
    const auto most = static_cast<size_t>(std::min<int64_t>(15, most_target_pieces(std::ssize(two[i]))));
    EXPECT_LE(spoken[i].words.size(), most);
    EXPECT_TRUE(spoken[i].ended || spoken[i].words.size() == most) << i;
  }
}

TEST(Translate, AttentionIsKeptWhenAskedForAndSumsToOne) {
  const TranslationModel<float> model = tiny_model<float>();
  GenerationOptions options = beam_of(2);
  for (const bool keep : {false, true}) {
    options.keep_attention = keep;
    const auto spoken = translate(sources(), kSpecial, options, 3, model, serial_executor());
    for (size_t i = 0; i < spoken.size(); ++i) {
      for (const SpokenWord& word : spoken[i].words) {
        ASSERT_EQ(word.attention.empty(), !keep);
        if (!keep) continue;
        double sum = 0;
        for (size_t j = 0; j < word.attention.size(); ++j) {
          sum += static_cast<double>(word.attention[j]);
          EXPECT_TRUE(j <= sources()[i].size() || word.attention[j] == 0) << "past the source";
        }
        EXPECT_NEAR(sum, 1, 1e-5);
      }
    }
  }
}

TEST(Translate, NothingGivesNothing) {
  EXPECT_TRUE(translate({}, kSpecial, beam_of(5), 32, tiny_model<float>(), serial_executor()).empty());
}

}  // namespace
}  // namespace attend::testing
