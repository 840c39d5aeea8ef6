// Saying tokens as transformers' `generate` says them, to the token: its greedy search and its beam search,
// with its way of counting lengths, of ranking and of stopping. The model of the next token is asked for
// logits.
//
// Beam search holds `beams` running hypotheses, all of one length. Of all their continuations the max(2, ends
// + 1) * beams likeliest are looked at: those among the first `beams` that end are finished, with the score
// log-probability / (new tokens)^length_penalty; the likeliest that do not end run on. Scores are float32, as
// there.
#ifndef ATTEND_LANGUAGE_TOKEN_SEARCH_H_
#define ATTEND_LANGUAGE_TOKEN_SEARCH_H_

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "attend/status.h"
#include "base/matrix.h"
#include "base/random.h"
#include "language/generation.h"

namespace attend {

/// A model of the next token that carries hypotheses about one photo forward side by side.
class NextToken {
 public:
  virtual ~NextToken() = default;

  virtual int64_t vocabulary() const = 0;

  /// Reads the prompt, which is not empty, anew: logits of the token after it, [1, vocabulary].
  virtual Matrix<float> begin(std::span<const int32_t> prompt) = 0;
  /// Row r continues row parents[r] of the call before with tokens[r]: logits of the token after, [rows,
  /// vocabulary]. What is returned is the caller's to overwrite, and valid until the next call.
  virtual Matrix<float> advance(std::span<const int32_t> parents, std::span<const int32_t> tokens) = 0;
  /// Where the rows of the last call looked: [rows, patches].
  virtual ConstMatrix<float> attention() const = 0;
};

struct TokenSearchOptions {
  int beams = 1;              // 1: greedy
  double length_penalty = 1;  // the exponent above
  /// When a full set of finished hypotheses is enough. kNo: when the likeliest running one, scored at its
  /// present length, does not beat the worst of them. kYes: at once. kNever: when it could not at the
  /// greatest length.
  enum class EarlyStopping { kNo, kYes, kNever } early_stopping = EarlyStopping::kNo;
  int64_t max_length = 20;  // tokens, those of the prompt included
  int64_t min_length = 0;   // no end before so many tokens, those of the prompt included
  int no_repeat_ngram = 0;  // no n-gram of this size twice; 0 allows all
  double repetition_penalty =
      1;  // logits of tokens that came already are divided by this, or multiplied if negative
  std::vector<int32_t> ends;    // tokens that end a sentence
  bool keep_attention = false;  // fill SpokenWord::attention

  /// Set: tokens are drawn by their probabilities, with this sharpness (beams must be 1).
  std::optional<RandomKey> drawn;
  double temperature = 1;
};

/// Errors: kInvalidArgument, of the prompt and the option that disagree.
Status check(const TokenSearchOptions& options, std::span<const int32_t> prompt, int64_t vocabulary);

struct FoundTokens {
  std::vector<int32_t> ids;        // prompt, what was said, and the end if it was
  std::vector<SpokenWord> spoken;  // what was said, and the end: the model's own probabilities
  double log_probability = 0;      // of all of them
};

/// The arguments must pass check(). Deterministic: among equals the lowest token of the highest hypothesis.
FoundTokens search_tokens(NextToken& model, std::span<const int32_t> prompt,
                          const TokenSearchOptions& options);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_TOKEN_SEARCH_H_
