// Tokens that text spells as a whole, whatever words stand around them: "[SEP]", "<|endoftext|>".
#ifndef ATTEND_LANGUAGE_ADDED_TOKENS_H_
#define ATTEND_LANGUAGE_ADDED_TOKENS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace attend {

/// As tokenizer files have them; the flags are those of Hugging Face's tokenizers.
struct AddedToken {
  std::string text;
  int32_t id = 0;
  bool special = true;       // adds nothing to a text that is put together
  bool normalised = false;   // looked for in normalised text, and normalised itself
  bool strips_left = false;  // takes the blanks before it
  bool strips_right = false;
  bool single_word = false;  // only where no letter, digit or underscore touches it
};

/// Parts text at the tokens it spells: the first that begins, and of those the longest.
class AddedTokens {
 public:
  AddedTokens() = default;
  /// Those without a text are spelled by none.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  /// Calls text(part) and token(id) in order; no part is empty.
  void split(std::string_view text, const std::function<void(std::string_view)>& part,
             const std::function<void(int32_t)>& token) const;

 private:
  std::vector<AddedToken> tokens_;
};

}  // namespace attend

#endif  // ATTEND_LANGUAGE_ADDED_TOKENS_H_
