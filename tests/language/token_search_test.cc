// The search on a model small enough to see what it does; tests/published holds it to transformers' own.
#include "language/token_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>

namespace attend {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr int64_t kTokens = 6;
constexpr int32_t kEnd = 5;

/// Logits that are a function of all that was said, by counter-based random numbers; `change` may set some.
class ToyModel final : public NextToken {
 public:
  using Said = std::vector<int32_t>;
  explicit ToyModel(uint64_t seed, std::function<void(const Said&, std::span<float>)> change = {})
      : key_(seed), change_(std::move(change)) {}

  int64_t vocabulary() const override { return kTokens; }
  Matrix<float> begin(std::span<const int32_t> prompt) override {
    rows_ = {Said(prompt.begin(), prompt.end())};
    return logits();
  }
  Matrix<float> advance(std::span<const int32_t> parents, std::span<const int32_t> tokens) override {
    std::vector<Said> next;
    for (size_t r = 0; r < tokens.size(); ++r) {
      next.push_back(rows_[static_cast<size_t>(parents[r])]);
      next.back().push_back(tokens[r]);
    }
    rows_ = next;
    return logits();
  }
  ConstMatrix<float> attention() const override {
    return {looked_.data(), static_cast<int64_t>(looked_.size()), 1};
  }

  std::vector<float> logits_after(const Said& said) const {
    RandomKey key = key_;
    for (const int32_t token : said) key = key.child(static_cast<uint64_t>(token));
    std::vector<float> row(kTokens);
    for (size_t t = 0; t < row.size(); ++t) row[t] = static_cast<float>(2.0 * key.normal(t));
    if (change_) change_(said, row);
    return row;
  }

 private:
  Matrix<float> logits() {
    logits_.clear();
    looked_.clear();
    for (const Said& said : rows_) {
      const std::vector<float> row = logits_after(said);
      logits_.insert(logits_.end(), row.begin(), row.end());
      looked_.push_back(static_cast<float>(said.back()));
    }
    return {logits_.data(), static_cast<int64_t>(rows_.size()), kTokens};
  }

  RandomKey key_;
  std::function<void(const Said&, std::span<float>)> change_;
  std::vector<Said> rows_;
  std::vector<float> logits_, looked_;
};

double log_probability(const ToyModel& model, const std::vector<int32_t>& ids, size_t prompt) {
  double sum = 0;
  for (size_t i = prompt; i < ids.size(); ++i) {
    const std::vector<float> row =
        model.logits_after({ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(i)});
    double odds = 0;
    for (const float x : row) odds += std::exp(static_cast<double>(x));
    sum += static_cast<double>(row[static_cast<size_t>(ids[i])]) - std::log(odds);
  }
  return sum;
}

TokenSearchOptions options(int beams, int64_t max_length) {
  TokenSearchOptions search;
  search.beams = beams;
  search.max_length = max_length;
  search.ends = {kEnd};
  return search;
}

FoundTokens search(ToyModel& model, const TokenSearchOptions& options, std::vector<int32_t> prompt = {0}) {
  EXPECT_TRUE(check(options, prompt, kTokens).ok()) << check(options, prompt, kTokens).message();
  return search_tokens(model, prompt, options);
}

/// Every sentence of at most `length` tokens.
void for_each_sentence(std::vector<int32_t>& said, size_t length,
                       const std::function<void(const std::vector<int32_t>&)>& body) {
  if (said.size() == length || said.back() == kEnd) return body(said);
  for (int32_t token = 0; token < kTokens; ++token) {
    said.push_back(token);
    for_each_sentence(said, length, body);
    said.pop_back();
  }
}

TEST(TokenSearch, ACertainWideBeamFindsTheBestOfAllSentences) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    ToyModel model(seed);
    // With three beams of six tokens not all is kept; with the penalty 0 the canonical search is exact where
    // the best beginning is always among the three.
    TokenSearchOptions search_options = options(3, 4);
    search_options.length_penalty = 0;
    search_options.early_stopping = TokenSearchOptions::EarlyStopping::kNever;
    const FoundTokens found = search(model, search_options);
    EXPECT_NEAR(found.log_probability, log_probability(model, found.ids, 1), 1e-4);
    double best = -std::numeric_limits<double>::infinity();
    std::vector<int32_t> said = {0};
    for_each_sentence(said, 4,
                      [&](const auto& ids) { best = std::max(best, log_probability(model, ids, 1)); });
    EXPECT_LE(found.log_probability, best + 1e-4);
    EXPECT_GE(found.log_probability, best - 1.5) << seed;
  }
}

TEST(TokenSearch, GreedyTakesTheLikeliestTokenEachTime) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    ToyModel model(seed);
    const FoundTokens found = search(model, options(1, 8), {0, 2});
    for (size_t i = 2; i < found.ids.size(); ++i) {
      const std::vector<float> row =
          model.logits_after({found.ids.begin(), found.ids.begin() + static_cast<std::ptrdiff_t>(i)});
      EXPECT_EQ(found.ids[i], std::ranges::max_element(row) - row.begin());
    }
    EXPECT_TRUE(found.ids.back() == kEnd || found.ids.size() == 8);
    EXPECT_EQ(found.spoken.size(), found.ids.size() - 2);
  }
}

TEST(TokenSearch, NoEndBeforeTheLeastLength) {
  for (const int beams : {1, 3}) {
    for (uint64_t seed = 0; seed < 10; ++seed) {
      ToyModel model(seed, [](const auto&, std::span<float> row) { row[kEnd] = 20; });
      TokenSearchOptions wanted = options(beams, 9);
      EXPECT_EQ(search(model, wanted, {0, 1}).ids.size(), 3u);
      wanted.min_length = 6;  // tokens, the prompt's included, before the end
      EXPECT_EQ(search(model, wanted, {0, 1}).ids.size(), 7u);
    }
  }
}

TEST(TokenSearch, NoNGramTwice) {
  for (const int beams : {1, 2}) {
    for (uint64_t seed = 0; seed < 10; ++seed) {
      ToyModel model(seed, [](const auto& said, std::span<float> row) {
        row[static_cast<size_t>(said.size() % 2)] += 15;
      });
      TokenSearchOptions wanted = options(beams, 12);
      wanted.no_repeat_ngram = 2;
      const std::vector<int32_t> ids = search(model, wanted).ids;
      std::map<std::pair<int32_t, int32_t>, int> pairs;
      for (size_t i = 0; i + 1 < ids.size(); ++i) EXPECT_EQ(++pairs[std::pair(ids[i], ids[i + 1])], 1);
    }
  }
}

TEST(TokenSearch, TheAttentionOfATokenIsThatOfTheStepThatSaidIt) {
  for (const int beams : {1, 3}) {
    ToyModel model(4);
    TokenSearchOptions wanted = options(beams, 7);
    wanted.keep_attention = true;
    const FoundTokens found = search(model, wanted);
    for (size_t i = 0; i < found.spoken.size(); ++i) {
      EXPECT_EQ(found.spoken[i].id, found.ids[i + 1]);
      EXPECT_THAT(found.spoken[i].attention, ElementsAre(static_cast<float>(found.ids[i])));
    }
  }
}

TEST(TokenSearch, NumbersThatAreNoNumbersEndIt) {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  for (const float bad : {nan, infinity, -infinity}) {
    for (const int beams : {1, 3}) {
      for (const size_t from : {size_t{1}, size_t{3}}) {
        ToyModel model(1, [&](const auto& said, std::span<float> row) {
          if (said.size() >= from) std::ranges::fill(row, bad);
        });
        const FoundTokens found = search(model, options(beams, 6));
        EXPECT_LE(found.ids.size(), 6u);
        EXPECT_EQ(found.ids.front(), 0);
      }
    }
  }
}

TEST(TokenSearch, WhatDoesNotFitIsRefused) {
  EXPECT_THAT(check(options(1, 3), std::vector<int32_t>{0, 1, 2}, kTokens).message(),
              HasSubstr("the prompt has 3 tokens with its start, and max_length is 3"));
  EXPECT_THAT(check(options(1, 3), std::vector<int32_t>{6}, kTokens).message(), HasSubstr("the token 6"));
  EXPECT_THAT(check(options(4, 3), std::vector<int32_t>{0}, kTokens).message(),
              HasSubstr("beam is 4, and must be from 1 to 3"));
}

}  // namespace
}  // namespace attend
