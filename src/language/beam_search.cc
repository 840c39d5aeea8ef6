#include "language/beam_search.h"

#include <algorithm>
#include <cmath>

#include "language/spoken_tree.h"
#include "language/word_rules.h"

namespace attend {
namespace {

/// A beginning that goes on.
struct Open {
  SpokenTree::Node last = SpokenTree::kRoot;
  double log_probability = 0;
  int32_t word = 0;        // the last word, to be read in the next step
  int32_t parent_row = 0;  // the row of the step that said it
};

struct Finished {
  SpokenTree::Node last;
  double log_probability;
  double score;
  bool ended;
};

/// A beginning and one more word.
struct Continuation {
  size_t open;  // which of the prompt's beginnings
  int32_t word;
  double log_probability;  // of all words
};

/// Keeps the `most` best of what is offered, best first; among equals, those offered earlier.
template <class Item, class Better>
void offer(std::vector<Item>& best, size_t most, const Item& item, Better better) {
  if (best.size() == most && !better(item, best.back())) return;
  if (best.size() == most) best.pop_back();
  best.insert(std::upper_bound(best.begin(), best.end(), item, better), item);
}

/// Whether some number is above `bound`; NaN is not.
bool any_above(std::span<const float> numbers, float bound) {
  unsigned any = 0;
  for (const float x : numbers) any |= static_cast<unsigned>(x > bound);
  return any != 0;
}

bool likelier(const Continuation& a, const Continuation& b) {
  return a.log_probability > b.log_probability;
}

bool ranks_before(const Finished& a, const Finished& b) {
  return a.ended != b.ended ? a.ended : a.score > b.score;
}

/// The beam of one prompt.
class Beam {
 public:
  Beam(const SpecialWords& special, const GenerationOptions& options, int64_t most_words)
      : special_(special), options_(options), most_words_(most_words), open_{{.word = special.start}} {}

  const std::vector<Open>& open() const { return open_; }

  /// All beginnings have `said` words. Their rows of the step at hand are `scores`, [open, vocabulary], of
  /// which the first is row `first_row`.
  void extend(Matrix<float> scores, int64_t first_row, int64_t said, SpokenTree& tree) {
    std::vector<Continuation> best;
    for (size_t i = 0; i < open_.size(); ++i) {
      const std::span<float> row = scores.row(static_cast<int64_t>(i));
      forbid_words(row, tree.ids(open_[i].last), special_, options_);
      float& end = row[static_cast<size_t>(special_.end)];
      if (end > kForbidden) finish(open_[i], open_[i].log_probability + end, said + 1, true);
      end = kForbidden;
      if (said < most_words_) collect(i, row, best);
    }
    if (best.empty() && finished_.empty()) {
      for (const Open& open : open_) finish(open, open.log_probability, said, false);
    }
    follow(best, scores, first_row, tree);
    if (settled(said + 1)) open_.clear();
  }

  std::vector<SpokenSentence> sentences(const SpokenTree& tree) const {
    std::vector<SpokenSentence> sentences;
    for (const Finished& f : finished_) sentences.push_back({tree.words(f.last), f.log_probability, f.ended});
    return sentences;
  }

 private:
  size_t width() const { return static_cast<size_t>(options_.beam); }

  double score(double log_probability, int64_t length) const {
    return log_probability /
           std::pow(static_cast<double>(std::max<int64_t>(length, 1)), options_.length_exponent);
  }

  void finish(const Open& open, double log_probability, int64_t length, bool ended) {
    offer(finished_, width(), {open.last, log_probability, score(log_probability, length), ended},
          ranks_before);
  }

  void collect(size_t open, std::span<const float> row, std::vector<Continuation>& best) const {
    const double before = open_[open].log_probability;
    constexpr size_t kTogether = 64;
    for (size_t first = 0; first < row.size(); first += kTogether) {
      const std::span<const float> some = row.subspan(first, std::min(kTogether, row.size() - first));
      // Nearly all words are far below the best, and are told so by the dozen.
      const float bound = lower_bound(best, before);
      if (!any_above(some, bound)) continue;
      for (size_t i = 0; i < some.size(); ++i) {
        if (!(some[i] > bound)) continue;
        offer(best, width(), {open, static_cast<int32_t>(first + i), before + some[i]}, likelier);
      }
    }
  }

  /// A number that the log-probability of a word is above when offer() would take it, after a beginning of
  /// log-probability `before`.
  float lower_bound(const std::vector<Continuation>& best, double before) const {
    if (best.size() < width()) return kForbidden;
    const float least = static_cast<float>(best.back().log_probability - before);
    return std::nextafter(least, kForbidden);
  }

  void follow(const std::vector<Continuation>& best, ConstMatrix<float> scores, int64_t first_row,
              SpokenTree& tree) {
    std::vector<Open> next;
    for (const Continuation& c : best) {
      const int64_t row = static_cast<int64_t>(c.open);
      const float log_probability = scores.row(row)[static_cast<size_t>(c.word)];
      next.push_back({tree.say(open_[c.open].last, c.word, log_probability, first_row + row),
                      c.log_probability, c.word, static_cast<int32_t>(first_row + row)});
    }
    open_ = std::move(next);
  }

  /// Whether no beginning, now of `length` words, may still rank among the finished. Log-probabilities only
  /// fall as words are added, while the length that divides them grows to most_words and the end.
  bool settled(int64_t length) const {
    if (open_.empty() || finished_.size() < width()) return false;
    const int64_t at_best = options_.stop == GenerationOptions::Stop::kCertain ? most_words_ + 1 : length;
    return finished_.back().score >= score(open_.front().log_probability, at_best);
  }

  const SpecialWords& special_;
  const GenerationOptions& options_;
  const int64_t most_words_;
  std::vector<Open> open_;          // the likeliest first
  std::vector<Finished> finished_;  // the best first
};

/// The open beginnings of all prompts, one a row.
struct Rows {
  std::vector<int32_t> parents, words;
  std::vector<int64_t> offsets = {0};

  explicit Rows(const std::vector<Beam>& beams) {
    for (const Beam& beam : beams) {
      for (const Open& open : beam.open()) {
        parents.push_back(open.parent_row);
        words.push_back(open.word);
      }
      offsets.push_back(static_cast<int64_t>(words.size()));
    }
  }
};

}  // namespace

std::vector<std::vector<SpokenSentence>> beam_search(NextWord& model, const SpecialWords& special,
                                                     const GenerationOptions& options) {
  SpokenTree tree;
  std::vector<Beam> beams;
  for (int64_t p = 0; p < model.prompts(); ++p)
    beams.emplace_back(special, options, most_words(model, p, options));
  for (int64_t said = 0;; ++said) {
    const Rows rows(beams);
    if (rows.words.empty()) break;
    const Matrix<float> scores = model.advance(rows.parents, rows.words, rows.offsets);  // [rows, vocabulary]
    if (options.keep_attention) tree.look(model.attention());
    for (size_t p = 0; p < beams.size(); ++p) {
      const int64_t first = rows.offsets[p], count = rows.offsets[p + 1] - first;
      if (count > 0) beams[p].extend(scores.slice(first, count), first, said, tree);
    }
  }
  std::vector<std::vector<SpokenSentence>> sentences;
  sentences.reserve(beams.size());
  for (const Beam& beam : beams) sentences.push_back(beam.sentences(tree));
  return sentences;
}

}  // namespace attend
