// The words of all sentences under way, each pointing back at the word before it.
#ifndef ATTEND_LANGUAGE_SPOKEN_TREE_H_
#define ATTEND_LANGUAGE_SPOKEN_TREE_H_

#include <cstdint>
#include <vector>

#include "base/matrix.h"
#include "language/generation.h"

namespace attend {

/// Hypotheses share their beginnings: a word is stored once, however many sentences go through it, and a
/// sentence is read from its last word back to the root. With each word stays the attention of the step that
/// produced it.
class SpokenTree {
 public:
  using Node = int32_t;
  static constexpr Node kRoot = -1;

  /// Where the rows of the step at hand looked, [rows, patches]; copied. The words said until the next call
  /// come from this step.
  void look(ConstMatrix<float> attention);

  /// The word `id`, said after `before` by row `row` of the step at hand.
  Node say(Node before, int32_t id, float log_probability, int64_t row);

  /// The words from the root to `last`.
  std::vector<int32_t> ids(Node last) const;
  /// The same with probabilities, and with attention when look() was called.
  std::vector<SpokenWord> words(Node last) const;

 private:
  struct Word {
    Node before;
    int32_t id;
    float log_probability;
    int32_t step;  // index into attention_, or -1
    int64_t row;
  };
  struct Attention {
    std::vector<float> weights;  // [rows, patches]
    int64_t patches;
  };
  size_t depth(Node last) const;

  std::vector<Word> words_;
  std::vector<Attention> attention_;
};

}  // namespace attend

#endif  // ATTEND_LANGUAGE_SPOKEN_TREE_H_
