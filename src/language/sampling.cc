#include "language/sampling.h"

#include <algorithm>
#include <cmath>

#include "language/spoken_tree.h"
#include "language/word_rules.h"

namespace attend {
namespace {

/// One sentence under way.
struct Path {
  size_t prompt = 0;
  RandomKey key;
  int32_t row = 0;   // in the last step; in the first, all paths of a prompt share one
  int32_t word = 0;  // the last word
  SpokenTree::Node last = SpokenTree::kRoot;
  double log_probability = 0;
  bool open = true;
  bool ended = false;
};

class Sampler {
 public:
  Sampler(NextWord& model, const SpecialWords& special, const GenerationOptions& options)
      : model_(model), special_(special), options_(options) {
    const uint64_t samples = greedy() ? 1 : static_cast<uint64_t>(options.samples);
    for (size_t p = 0; p < static_cast<size_t>(model.prompts()); ++p) {
      const RandomKey key = options.key.child(options.first_prompt + p);
      for (uint64_t s = 0; s < samples; ++s) paths_.push_back({.prompt = p, .key = key.child(s)});
    }
  }

  std::vector<std::vector<SpokenSentence>> run() {
    for (int64_t said = 0; std::ranges::any_of(paths_, &Path::open); ++said) {
      const Matrix<float> scores = said == 0 ? start() : go_on();  // [rows, vocabulary]
      if (options_.keep_attention) tree_.look(model_.attention());
      for (Path& path : paths_) {
        if (path.open) extend(path, scores.row(path.row), said);
      }
    }
    std::vector<std::vector<SpokenSentence>> sentences(static_cast<size_t>(model_.prompts()));
    for (const Path& path : paths_) {
      sentences[path.prompt].push_back({tree_.words(path.last), path.log_probability, path.ended});
    }
    return sentences;
  }

 private:
  bool greedy() const { return options_.method == GenerationOptions::Method::kGreedy; }

  Matrix<float> start() {
    const size_t prompts = static_cast<size_t>(model_.prompts());
    std::vector<int64_t> offsets(prompts + 1);
    for (size_t p = 0; p <= prompts; ++p) offsets[p] = static_cast<int64_t>(p);
    for (Path& path : paths_) path.row = static_cast<int32_t>(path.prompt);
    const std::vector<int32_t> parents(prompts, 0), words(prompts, special_.start);
    return model_.advance(parents, words, offsets);
  }

  Matrix<float> go_on() {
    std::vector<int32_t> parents, words;
    std::vector<int64_t> offsets(static_cast<size_t>(model_.prompts()) + 1);
    for (Path& path : paths_) {
      if (path.open) {
        parents.push_back(path.row);
        words.push_back(path.word);
        path.row = static_cast<int32_t>(words.size()) - 1;
      }
      offsets[path.prompt + 1] = static_cast<int64_t>(words.size());
    }
    return model_.advance(parents, words, offsets);
  }

  void extend(Path& path, std::span<float> row, int64_t said) {
    forbid_words(row, tree_.ids(path.last), special_, options_);
    const int32_t word =
        greedy() ? likeliest_word(row)
                 : drawn_word(row, options_.temperature, path.key.uniform(static_cast<uint64_t>(said)));
    path.ended = word == special_.end;
    path.open =
        word >= 0 && !path.ended && said < most_words(model_, static_cast<int64_t>(path.prompt), options_);
    if (!path.ended && !path.open) return;
    const float log_probability = row[static_cast<size_t>(word)];
    path.log_probability += log_probability;
    if (path.ended) return;
    path.word = word;
    path.last = tree_.say(path.last, word, log_probability, path.row);
  }

  NextWord& model_;
  const SpecialWords& special_;
  const GenerationOptions& options_;
  std::vector<Path> paths_;  // by prompt
  SpokenTree tree_;
};

}  // namespace

int32_t likeliest_word(std::span<const float> log_probabilities) {
  float most = kForbidden;
  int32_t likeliest = -1;
  for (size_t word = 0; word < log_probabilities.size(); ++word) {
    if (!(log_probabilities[word] > most)) continue;
    most = log_probabilities[word];
    likeliest = static_cast<int32_t>(word);
  }
  return likeliest;
}

int32_t drawn_word(std::span<const float> log_probabilities, double temperature, double uniform) {
  const int32_t likeliest = likeliest_word(log_probabilities);
  if (likeliest < 0) return -1;
  // Relative to the likeliest word, so that a low temperature overflows nothing.
  const float most = log_probabilities[static_cast<size_t>(likeliest)];
  const auto odds = [&](float x) { return x > kForbidden ? std::exp((x - most) / temperature) : 0.0; };
  double total = 0;
  for (const float x : log_probabilities) total += odds(x);
  double left = uniform * total;
  for (size_t word = 0; word < log_probabilities.size(); ++word) {
    const double share = odds(log_probabilities[word]);
    if (left < share) return static_cast<int32_t>(word);
    left -= share;
  }
  return likeliest;  // rounding used up the sum
}

std::vector<std::vector<SpokenSentence>> sample(NextWord& model, const SpecialWords& special,
                                                const GenerationOptions& options) {
  return Sampler(model, special, options).run();
}

}  // namespace attend
