// A language model that is a function: the odds of the next word depend on the prompt and on all words
// before, by a formula that a test can evaluate on its own.
#ifndef ATTEND_TESTS_LANGUAGE_TOY_NEXT_WORD_H_
#define ATTEND_TESTS_LANGUAGE_TOY_NEXT_WORD_H_

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <vector>

#include "language/generation.h"

namespace attend {

/// Log-probabilities [vocabulary] of the word after `said` (without start).
using Odds = std::function<std::vector<float>(const std::vector<int32_t>& said)>;

class ToyNextWord final : public NextWord {
 public:
  static constexpr int64_t kPatches = 3;

  ToyNextWord(int64_t vocabulary, std::vector<Odds> prompts)
      : vocabulary_(vocabulary), odds_(std::move(prompts)) {}

  int64_t prompts() const override { return static_cast<int64_t>(odds_.size()); }
  int64_t vocabulary() const override { return vocabulary_; }
  int64_t most_words() const override { return most_words_; }

  Matrix<float> advance(std::span<const int32_t> parents, std::span<const int32_t> words,
                        std::span<const int64_t> offsets) override {
    EXPECT_EQ(static_cast<int64_t>(offsets.size()), prompts() + 1);
    EXPECT_EQ(offsets.back(), static_cast<int64_t>(words.size()));
    std::vector<Row> rows;
    scores_.clear();
    attention_.clear();
    for (size_t p = 0; p < odds_.size(); ++p) {
      for (int64_t r = offsets[p]; r < offsets[p + 1]; ++r) {
        rows.push_back(continued(p, parents[static_cast<size_t>(r)], words[static_cast<size_t>(r)]));
        const std::vector<float> scores = odds_[p](rows.back().said);
        scores_.insert(scores_.end(), scores.begin(), scores.end());
        const std::vector<float> looked = look(p, rows.back().said);
        attention_.insert(attention_.end(), looked.begin(), looked.end());
      }
    }
    rows_ = std::move(rows);
    ++steps_;
    rows_run_ += static_cast<int64_t>(words.size());
    return {scores_.data(), static_cast<int64_t>(rows_.size()), vocabulary_};
  }

  ConstMatrix<float> attention() const override {
    return {attention_.data(), static_cast<int64_t>(rows_.size()), kPatches};
  }

  /// Where the step looked that produced the word after `said`.
  static std::vector<float> look(size_t prompt, const std::vector<int32_t>& said) {
    float mix = 1;
    for (const int32_t word : said) mix = std::fmod(mix * 31 + static_cast<float>(word), 1009.0f);
    return {static_cast<float>(prompt), static_cast<float>(said.size()), mix};
  }

  int64_t steps() const { return steps_; }
  int64_t rows_run() const { return rows_run_; }
  void limit_words(int64_t most) { most_words_ = most; }

 private:
  struct Row {
    size_t prompt;
    std::vector<int32_t> said;
  };

  Row continued(size_t prompt, int32_t parent, int32_t word) const {
    if (steps_ == 0) {
      EXPECT_EQ(word, SpecialWords{}.start);
      return {prompt, {}};
    }
    Row row = rows_.at(static_cast<size_t>(parent));
    EXPECT_EQ(row.prompt, prompt) << "a row moved to another prompt";
    row.said.push_back(word);
    EXPECT_LE(static_cast<int64_t>(row.said.size()), most_words_);
    return row;
  }

  int64_t vocabulary_;
  std::vector<Odds> odds_;
  std::vector<Row> rows_;
  std::vector<float> scores_, attention_;
  int64_t steps_ = 0, rows_run_ = 0, most_words_ = 1000;
};

/// Log-probabilities from weights.
inline std::vector<float> normalised(const std::vector<double>& weights) {
  double sum = 0;
  for (const double w : weights) sum += w;
  std::vector<float> scores;
  for (const double w : weights) scores.push_back(static_cast<float>(std::log(w / sum)));
  return scores;
}

/// Odds that look random but are a function of the seed and all that was said; the specials get odds too, so
/// that leaving them out is the search's doing. `end` multiplies the weight of the end.
inline Odds random_odds(uint64_t seed, int64_t vocabulary, double end = 1) {
  return [=](const std::vector<int32_t>& said) {
    RandomKey key = RandomKey(seed).child(said.size());
    for (const int32_t word : said) key = key.child(static_cast<uint64_t>(word));
    std::vector<double> weights;
    for (int64_t w = 0; w < vocabulary; ++w)
      weights.push_back(std::exp(2 * key.normal(static_cast<uint64_t>(w))));
    weights[1] *= end;
    return normalised(weights);
  };
}

/// The ids of a sentence.
inline std::vector<int32_t> ids_of(const SpokenSentence& sentence) {
  std::vector<int32_t> ids;
  for (const SpokenWord& word : sentence.words) ids.push_back(word.id);
  return ids;
}

/// The sentences of the only prompt.
inline std::vector<SpokenSentence> say(NextWord& model, const GenerationOptions& options) {
  return generate(model, {}, options).at(0);
}

}  // namespace attend

#endif  // ATTEND_TESTS_LANGUAGE_TOY_NEXT_WORD_H_
