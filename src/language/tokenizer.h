// Text and the numbers of a published model's vocabulary.
#ifndef ATTEND_LANGUAGE_TOKENIZER_H_
#define ATTEND_LANGUAGE_TOKENIZER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace attend {

/// The tokens of a vocabulary by number. Numbers without a token have an empty one, which nothing encodes to.
struct TokenTable {
  std::vector<std::string> tokens;
  std::unordered_map<std::string, int32_t> ids;

  /// Later tokens take the place of earlier ones of that number. `id` must be at least 0.
  void set(int32_t id, std::string token);
  /// -1 when there is no such token.
  int32_t id(std::string_view token) const;
};

/// A token that stands for itself in text and is not part of any word: "[SEP]", "<|endoftext|>".
struct SpecialToken {
  std::string text;
  int32_t id;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Numbers of `text`, which must be UTF-8; adds no special tokens, but knows those that the text spells.
  std::vector<int32_t> encode(std::string_view text) const;

  /// What token `id` adds to a text: its bytes, with a space in front where it begins a word and is not
  /// `first`. Nothing for special tokens and numbers past the vocabulary. A text is what its tokens add, one
  /// after the other.
  std::string added_text(int32_t id, bool first) const;

  /// Numbers are below this.
  int32_t size() const { return static_cast<int32_t>(table_.tokens.size()); }
  bool is_special(int32_t id) const;

 protected:
  Tokenizer(TokenTable table, std::vector<SpecialToken> specials);

  const TokenTable& table() const { return table_; }
  virtual void encode_part(std::string_view text, std::vector<int32_t>& ids) const = 0;
  virtual std::string text_of(const std::string& token, bool first) const = 0;

 private:
  TokenTable table_;
  std::vector<SpecialToken> specials_;
};

}  // namespace attend

#endif  // ATTEND_LANGUAGE_TOKENIZER_H_
