#include "language/token_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "language/sampling.h"
#include "language/spoken_tree.h"
#include "language/token_rules.h"
#include "language/word_rules.h"

namespace attend {
namespace {

constexpr float kNoScore = -1.0e9f;  // what a hypothesis that is none ranks with

/// The search's common part: the tree of what was said, and the rules.
class Search {
 public:
  Search(NextToken& model, std::span<const int32_t> prompt, const TokenSearchOptions& options)
      : model_(model), prompt_(prompt), options_(options) {}

 protected:
  using Node = SpokenTree::Node;

  int64_t prompt_length() const { return static_cast<int64_t>(prompt_.size()); }
  bool is_end(int32_t token) const { return std::ranges::find(options_.ends, token) != options_.ends.end(); }

  std::vector<int32_t> said(Node last) const {
    std::vector<int32_t> ids(prompt_.begin(), prompt_.end());
    const std::vector<int32_t> spoken = tree_.ids(last);
    ids.insert(ids.end(), spoken.begin(), spoken.end());
    return ids;
  }

  void look() {
    if (options_.keep_attention) tree_.look(model_.attention());
  }

  FoundTokens found(Node last) const {
    FoundTokens result{said(last), tree_.words(last), 0};
    for (const SpokenWord& word : result.spoken)
      result.log_probability += std::log(static_cast<double>(word.probability));
    return result;
  }

  NextToken& model_;
  const std::span<const int32_t> prompt_;
  const TokenSearchOptions& options_;
  SpokenTree tree_;
};

class GreedySearch : Search {
 public:
  using Search::Search;

  FoundTokens run() {
    Matrix<float> logits = model_.begin(prompt_);
    for (int64_t length = prompt_length();;) {
      look();
      const std::span<float> row = logits.row(0);
      const float normaliser = log_normaliser(row);
      const std::vector<float> plain(row.begin(), row.end());
      apply_rules(said(last_), options_, row);
      const int32_t token = pick(row, length - prompt_length());
      if (token < 0) break;  // nothing may follow
      last_ = tree_.say(last_, token, plain[static_cast<size_t>(token)] - normaliser, 0);
      if (is_end(token) || ++length >= options_.max_length) break;
      const int32_t parent = 0;
      logits = model_.advance({&parent, 1}, {&token, 1});
    }
    return found(last_);
  }

 private:
  int32_t pick(std::span<const float> row, int64_t step) const {
    if (!options_.drawn) return likeliest_word(row);
    return drawn_word(row, options_.temperature, options_.drawn->uniform(static_cast<uint64_t>(step)));
  }

  Node last_ = SpokenTree::kRoot;
};

class BeamSearch : Search {
 public:
  BeamSearch(NextToken& model, std::span<const int32_t> prompt, const TokenSearchOptions& options)
      : Search(model, prompt, options),
        beams_(static_cast<size_t>(options.beams)),
        considered_(std::max<size_t>(2, 1 + options.ends.size()) * beams_),
        running_{{}},
        finished_(beams_) {}

  FoundTokens run() {
    Matrix<float> logits = model_.begin(prompt_);
    for (int64_t length = prompt_length();; ++length) {
      look();
      const std::vector<Continuation> best = likeliest(logits);
      const bool all_end = extend(best, length + 1);
      if (all_end || !may_improve(length + 1) || (full() && options_.early_stopping == EarlyStopping::kYes))
        break;
      logits = go_on();
    }
    return found(finished_.front().last);
  }

 private:
  using EarlyStopping = TokenSearchOptions::EarlyStopping;

  struct Running {
    Node last = SpokenTree::kRoot;
    float score = 0;     // its log-probability
    int32_t token = 0;   // the last
    int32_t parent = 0;  // the row that said it
  };
  struct Finished {
    Node last = SpokenTree::kRoot;
    float score = kNoScore;
    bool ended = false;  // a sentence, and not just a place for one
  };
  struct Continuation {
    int32_t row, token;
    float score, log_probability;
    bool ends;
  };

  /// The `considered_` likeliest tokens after all running hypotheses, best first.
  std::vector<Continuation> likeliest(Matrix<float> logits) const {
    std::vector<Continuation> best;
    for (size_t r = 0; r < running_.size(); ++r) {
      const std::span<float> row = logits.row(static_cast<int64_t>(r));
      const float normaliser = log_normaliser(row);
      for (float& x : row) x -= normaliser;
      std::vector<float> plain;
      if (changes_odds()) plain.assign(row.begin(), row.end());
      apply_rules(said(running_[r].last), options_, row);
      for (size_t t = 0; t < row.size(); ++t) {
        const float score = row[t] + running_[r].score;
        // Not a number ranks nowhere.
        if (!(score >= -std::numeric_limits<float>::infinity()) ||
            (best.size() == considered_ && !(score > best.back().score))) {
          continue;
        }
        if (best.size() == considered_) best.pop_back();
        const Continuation item{static_cast<int32_t>(r), static_cast<int32_t>(t), score,
                                plain.empty() ? row[t] : plain[t], false};
        best.insert(std::ranges::upper_bound(best, item.score, std::greater(), &Continuation::score), item);
      }
    }
    return best;
  }

  bool changes_odds() const { return options_.repetition_penalty != 1; }

  /// Finishes those that end at `length` tokens and lets the others run on. Whether none does.
  bool extend(std::vector<Continuation> best, int64_t length) {
    bool all_end = true;
    for (Continuation& c : best) {
      c.ends = is_end(c.token) || length >= options_.max_length;
      all_end = all_end && c.ends;
    }
    finish(best, length);
    std::vector<Running> next;
    for (const Continuation& c : best) {
      if (c.ends || next.size() == beams_) continue;
      const Running& before = running_[static_cast<size_t>(c.row)];
      next.push_back({tree_.say(before.last, c.token, c.log_probability, c.row), c.score, c.token, c.row});
    }
    running_ = std::move(next);
    return all_end || running_.empty();
  }

  void finish(const std::vector<Continuation>& best, int64_t length) {
    const float divisor =
        static_cast<float>(std::pow(static_cast<double>(length - prompt_length()), options_.length_penalty));
    const bool closed = full() && options_.early_stopping == EarlyStopping::kYes;
    for (size_t i = 0; i < std::min(beams_, best.size()); ++i) {
      const Continuation& c = best[i];
      if (!c.ends) continue;
      float score = c.score / divisor;
      if (closed) score += kNoScore;
      if (!improvable_) score += kNoScore;
      if (!(score > finished_.back().score)) continue;
      const Running& before = running_[static_cast<size_t>(c.row)];
      const Finished sentence{tree_.say(before.last, c.token, c.log_probability, c.row), score, true};
      finished_.pop_back();
      finished_.insert(std::ranges::upper_bound(finished_, score, std::greater(), &Finished::score),
                       sentence);
    }
  }

  bool full() const { return std::ranges::all_of(finished_, &Finished::ended); }

  /// Whether the likeliest running hypothesis, of `length` tokens, may still beat a finished one. Once it may
  /// not, nothing is finished any more.
  bool may_improve(int64_t length) {
    const bool at_longest = options_.early_stopping == EarlyStopping::kNever && options_.length_penalty > 0;
    const double hypothetical =
        static_cast<double>((at_longest ? options_.max_length : length) - prompt_length());
    const float possible =
        running_.front().score / static_cast<float>(std::pow(hypothetical, options_.length_penalty));
    const float worst = finished_.back().score;
    improvable_ = improvable_ && std::ranges::any_of(finished_, [&](const Finished& f) {
                    return possible > (f.ended ? worst : kNoScore);
                  });
    return improvable_;
  }

  Matrix<float> go_on() {
    std::vector<int32_t> parents, tokens;
    for (const Running& running : running_) {
      parents.push_back(running.parent);
      tokens.push_back(running.token);
    }
    return model_.advance(parents, tokens);
  }

  const size_t beams_, considered_;
  std::vector<Running> running_;    // the likeliest first
  std::vector<Finished> finished_;  // `beams_`, the best first
  bool improvable_ = true;
};

Status refuse(std::string what) {
  return {StatusCode::kInvalidArgument, std::move(what)};
}

}  // namespace

Status check(const TokenSearchOptions& options, std::span<const int32_t> prompt, int64_t vocabulary) {
  const int64_t length = static_cast<int64_t>(prompt.size());
  if (length >= options.max_length) {
    return refuse(fmt::format("the prompt has {} tokens with its start, and max_length is {}", length,
                              options.max_length));
  }
  for (const int32_t token : prompt) {
    if (token < 0 || token >= vocabulary) {
      return refuse(fmt::format("the prompt has the token {}, and the model {} tokens", token, vocabulary));
    }
  }
  const int64_t considered =
      options.beams * std::max<int64_t>(2, 1 + static_cast<int64_t>(options.ends.size()));
  if (options.beams < 1 || considered > vocabulary) {
    return refuse(fmt::format("beam is {}, and must be from 1 to {} with {} tokens", options.beams,
                              vocabulary / (considered / std::max(options.beams, 1)), vocabulary));
  }
  return {};
}

FoundTokens search_tokens(NextToken& model, std::span<const int32_t> prompt,
                          const TokenSearchOptions& options) {
  if (options.beams == 1) return GreedySearch(model, prompt, options).run();
  return BeamSearch(model, prompt, options).run();
}

}  // namespace attend
