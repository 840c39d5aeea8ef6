#include "captioner/spoken_caption.h"

#include <algorithm>
#include <cmath>

namespace attend {
namespace {

/// Sums up the parts of one written word.
class WrittenWord {
 public:
  void add(const SpokenWord& part, std::string_view text) {
    word_.text += text;
    word_.probability *= static_cast<double>(part.probability);
    word_.attention.resize(part.attention.size());
    for (size_t i = 0; i < part.attention.size(); ++i) word_.attention[i] += part.attention[i];
    ++parts_;
  }
  bool empty() const { return parts_ == 0; }

  CaptionWord finish() && {
    for (float& weight : word_.attention) weight /= static_cast<float>(parts_);
    return std::move(word_);
  }

 private:
  CaptionWord word_ = {.text = {}, .probability = 1, .attention = {}};
  int parts_ = 0;
};

}  // namespace

Caption to_caption(const SpokenSentence& sentence, const Vocabulary& vocabulary, int grid) {
  Caption caption;
  caption.grid = grid;
  caption.log_probability = sentence.log_probability;
  caption.probability = std::exp(sentence.log_probability);
  caption.tokens.push_back(Vocabulary::kStart);
  for (const SpokenWord& spoken : sentence.words) caption.tokens.push_back(spoken.id);
  if (sentence.ended) caption.tokens.push_back(Vocabulary::kEnd);

  // Each word only adds to the sentence written so far; what it adds begins with a space if it stands by
  // itself.
  std::vector<std::string> said;
  WrittenWord word;
  for (const SpokenWord& spoken : sentence.words) {
    said.push_back(vocabulary.word(spoken.id));
    const std::string written = join_words(said);
    std::string_view added = std::string_view(written).substr(caption.text.size());
    if (added.starts_with(' ')) {
      if (!word.empty()) caption.words.push_back(std::exchange(word, {}).finish());
      added.remove_prefix(1);
    }
    word.add(spoken, added);
    caption.text = written;
  }
  if (!word.empty()) caption.words.push_back(std::move(word).finish());
  return caption;
}

}  // namespace attend
