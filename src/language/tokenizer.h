// Text and the numbers of a published model's vocabulary.
#ifndef ATTEND_LANGUAGE_TOKENIZER_H_
#define ATTEND_LANGUAGE_TOKENIZER_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "language/added_tokens.h"

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

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Numbers of `text`, which must be UTF-8. Of special tokens it has those that the text spells.
  std::vector<int32_t> encode(std::string_view text) const;

  /// What tokens say together, special tokens nothing: bytes, which a token may end amid a character.
  struct Text {
    std::string text;
    std::vector<size_t> ends;  // of each token's part; a part may be empty
  };
  Text decode(std::span<const int32_t> ids) const;

  /// Numbers are below this.
  int32_t size() const { return static_cast<int32_t>(table_.tokens.size()); }
  bool is_special(int32_t id) const { return special_.contains(id); }

 protected:
  explicit Tokenizer(TokenTable table) : table_(std::move(table)) {}
  /// For the constructors of derived classes: needs normalised().
  void add(const std::vector<AddedToken>& tokens);

  const TokenTable& table() const { return table_; }
  virtual std::string normalised(std::string_view text) const = 0;
  /// Of normalised text without added tokens.
  virtual void encode_part(std::string_view text, std::vector<int32_t>& ids) const = 0;
  /// What a token adds to a text, with a space in front where it begins a word and is not `first`.
  virtual std::string text_of(const std::string& token, bool first) const = 0;
  /// What is done to the whole text in the end.
  virtual void finish(Text& /*text*/) const {}

 private:
  TokenTable table_;
  AddedTokens as_written_, normalised_;
  std::unordered_set<int32_t> special_;
};

}  // namespace attend

#endif  // ATTEND_LANGUAGE_TOKENIZER_H_
