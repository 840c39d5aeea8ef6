// Saying words: from a model of the next word to whole sentences.
#ifndef ATTEND_LANGUAGE_GENERATION_H_
#define ATTEND_LANGUAGE_GENERATION_H_

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "attend/status.h"
#include "base/bounds.h"
#include "base/matrix.h"
#include "base/random.h"

namespace attend {

/// A model of the next word that carries several sequences forward side by side. Rows belong to prompts
/// (photos): prompt p owns the rows [offsets[p], offsets[p + 1]), and a row never moves to another prompt. A
/// prompt whose sentences are done has no rows.
class NextWord {
 public:
  virtual ~NextWord() = default;

  virtual int64_t prompts() const = 0;
  virtual int64_t vocabulary() const = 0;
  /// The longest sentence that it can carry, in words.
  virtual int64_t most_words() const { return std::numeric_limits<int64_t>::max(); }
  /// The same of the sentences of one prompt, where prompts differ.
  virtual int64_t most_words_about(int64_t prompt) const { return prompt < prompts() ? most_words() : 0; }

  /// Row r continues what row parents[r] was after the previous call, with the word words[r]; `offsets` says
  /// which rows are which prompt's. In the first call every row starts anew and parents are ignored. Returns
  /// natural log-probabilities of the word after, [rows, vocabulary]; valid until the next call, and the
  /// caller's to overwrite.
  virtual Matrix<float> advance(std::span<const int32_t> parents, std::span<const int32_t> words,
                                std::span<const int64_t> offsets) = 0;

  /// Where the rows of the last advance() looked while they produced those probabilities: [rows, patches].
  virtual ConstMatrix<float> attention() const = 0;
};

/// What may be asked of a search: hypotheses or samples a prompt, and exponents of a length.
inline constexpr Bounds<int> kBeams{1, 1024};
inline constexpr Bounds<double> kLengthExponents{0, 10};
/// Published checkpoints come with negative ones and with large ones.
inline constexpr Bounds<double> kPublishedLengthExponents{-100, 100};

/// What commands and training offer of that: more takes longer and says nothing better.
inline constexpr Bounds<int> kOfferedBeams{1, 100};
inline constexpr Bounds<double> kOfferedLengthExponents{-10, 10};

struct GenerationOptions {
  /// kBeam: the `beam` likeliest beginnings go on side by side. kGreedy: always the likeliest word. kSample:
  /// words are drawn by their probabilities.
  enum class Method { kBeam, kGreedy, kSample } method = Method::kBeam;
  int beam = 3;                  // hypotheses kept a prompt (kBeam); at least 1
  double length_exponent = 1.0;  // hypotheses are ranked by log-probability / (words, and the end)^this
  int no_repeat_ngram = 3;       // no n-gram of this size appears twice in a sentence; 0 allows all
  int min_length = 3;            // words before the end may be said
  int max_length = 24;           // words, the end not counted
  double temperature = 1.0;      // kSample
  int samples = 1;               // sentences drawn a prompt (kSample)
  RandomKey key{};               // kSample
  bool keep_attention = false;   // fill SpokenWord::attention

  /// kSample: prompt p of this call draws from key.child(first_prompt + p), so that prompts may be cut into
  /// calls anywhere and still get the same sentences.
  uint64_t first_prompt = 0;

  /// When a beam search has `beam` finished hypotheses and may stop. kLikely: when no open hypothesis would
  /// rank among them if its coming words were as probable as its words so far. kCertain: when none could even
  /// if all its coming words were certain; slower, and then the search is limited by the beam alone.
  enum class Stop { kLikely, kCertain } stop = Stop::kLikely;
};

/// Errors: kInvalidArgument naming the option, its value and its range.
Status check(const GenerationOptions& options);

/// The ids that have a meaning of their own. `start` and `unknown` are never said.
struct SpecialWords {
  int32_t start = 0, end = 1, unknown = 2;
  int32_t conjunction = -1;  // "and": it never joins a word with itself ("hats and hats"); -1: none
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
  bool ended = false;             // false: cut at max_length, or nothing was allowed to follow
};

/// For each prompt, its sentences: kBeam the finished hypotheses, best first (at least one, at most `beam`);
/// kGreedy one; kSample `samples`, in order. Deterministic: ties go to the hypothesis that ranked higher
/// before, then to the lower word id. A prompt's sentences do not depend on the other prompts, except as far
/// as the model's arithmetic does.
///
/// A beam hypothesis of max_length words may only end. A greedy or drawn sentence of max_length words is cut
/// unless the end comes next. `options` must pass check(); the words are also limited by the model's
/// most_words_about() the prompt.
std::vector<std::vector<SpokenSentence>> generate(NextWord& model, const SpecialWords& special,
                                                  const GenerationOptions& options);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_GENERATION_H_
