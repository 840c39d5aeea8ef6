// Saying words: from a model of the next word to whole sentences.
#ifndef ATTEND_LANGUAGE_GENERATION_H_
#define ATTEND_LANGUAGE_GENERATION_H_

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "attend/status.h"
#include "base/matrix.h"
#include "base/random.h"

namespace attend {

/// A model of the next word that carries several sequences forward side by side. Rows belong to prompts
/// (photos): prompt p owns the rows [offsets[p], offsets[p + 1]), and a row never moves to another prompt.
class NextWord {
 public:
  virtual ~NextWord() = default;

  virtual int64_t prompts() const = 0;
  virtual int64_t vocabulary() const = 0;
  /// The longest sentence that it can carry, in words.
  virtual int64_t most_words() const { return std::numeric_limits<int64_t>::max(); }

  /// Row r continues what row parents[r] was after the previous call, with the word words[r]; `offsets` says
  /// which rows are which prompt's. In the first call every row starts anew and parents are ignored. Returns
  /// natural log-probabilities of the word after, [rows, vocabulary]; valid until the next call.
  virtual Matrix<float> advance(std::span<const int32_t> parents, std::span<const int32_t> words,
                                std::span<const int64_t> offsets) = 0;

  /// Where the rows of the last advance() looked while they produced those probabilities: [rows, patches].
  virtual ConstMatrix<float> attention() const = 0;
};

struct GenerationOptions {
  enum class Method { kBeam, kGreedy, kSample } method = Method::kBeam;
  int beam = 3;                  // hypotheses kept a prompt (kBeam); at least 1
  double length_exponent = 1.0;  // hypotheses are ranked by log-probability / length^this
  int no_repeat_ngram = 3;       // no n-gram of this size appears twice in a sentence; 0 allows all
  int min_length = 3;            // words before the end may be said
  int max_length = 24;           // words, the end not counted
  double temperature = 1.0;      // kSample
  int samples = 1;               // sentences drawn a prompt (kSample)
  RandomKey key{};               // kSample
  bool keep_attention = false;   // fill SpokenWord::attention
};

/// The ids that have a meaning of their own. `unknown` is never said.
struct SpecialWords {
  int32_t start = 0, end = 1, unknown = 2;
};

struct SpokenWord {
  int32_t id = 0;
  float probability = 0;  // the model's, of this word after those before it
  std::vector<float>
      attention;  // [patches]: where the step that produced this word looked; empty unless asked for
};

struct SpokenSentence {
  std::vector<SpokenWord> words;  // without start and end
  double log_probability = 0;     // of the whole sentence, its end included (when it was said)
  bool ended = false;             // false: cut at max_length
};

/// For each prompt, its sentences: kBeam all finished hypotheses, best first (at least one, at most `beam`);
/// kGreedy one; kSample `samples`, in order. Deterministic: ties go to the lower word id.
std::vector<std::vector<SpokenSentence>> generate(NextWord& model, const SpecialWords& special,
                                                  const GenerationOptions& options);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_GENERATION_H_
