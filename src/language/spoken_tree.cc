#include "language/spoken_tree.h"

#include <cmath>

namespace attend {

void SpokenTree::look(ConstMatrix<float> attention) {
  const std::span<const float> weights = attention.values();
  attention_.push_back({{weights.begin(), weights.end()}, attention.cols});
}

SpokenTree::Node SpokenTree::say(Node before, int32_t id, float log_probability, int64_t row) {
  words_.push_back({before, id, log_probability, static_cast<int32_t>(attention_.size()) - 1, row});
  return static_cast<Node>(words_.size()) - 1;
}

size_t SpokenTree::depth(Node last) const {
  size_t depth = 0;
  for (; last != kRoot; last = words_[static_cast<size_t>(last)].before) ++depth;
  return depth;
}

std::vector<int32_t> SpokenTree::ids(Node last) const {
  std::vector<int32_t> ids(depth(last));
  for (size_t i = ids.size(); i-- > 0;) {
    const Word& word = words_[static_cast<size_t>(last)];
    ids[i] = word.id;
    last = word.before;
  }
  return ids;
}

std::vector<SpokenWord> SpokenTree::words(Node last) const {
  std::vector<SpokenWord> spoken(depth(last));
  for (size_t i = spoken.size(); i-- > 0;) {
    const Word& word = words_[static_cast<size_t>(last)];
    spoken[i].id = word.id;
    spoken[i].probability = std::exp(word.log_probability);
    if (word.step >= 0) {
      const Attention& step = attention_[static_cast<size_t>(word.step)];
      const float* row = step.weights.data() + word.row * step.patches;
      spoken[i].attention.assign(row, row + step.patches);
    }
    last = word.before;
  }
  return spoken;
}

}  // namespace attend
