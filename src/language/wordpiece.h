// WordPiece as BERT has it: words cut into the longest pieces that the vocabulary knows, "##" before those
// that go on.
#ifndef ATTEND_LANGUAGE_WORDPIECE_H_
#define ATTEND_LANGUAGE_WORDPIECE_H_

#include <string>
#include <vector>

#include "language/tokenizer.h"

namespace attend {

struct WordPieceOptions {
  bool lower_case = true;
  bool strip_accents = true;
  bool separate_ideographs = true;  // a word for each
  bool close_up = false;            // signs and endings stand close in the whole text too
  std::string unknown = "[UNK]";
};

class WordPiece final : public Tokenizer {
 public:
  WordPiece(TokenTable table, const std::vector<AddedToken>& added, WordPieceOptions options);

 protected:
  std::string normalised(std::string_view text) const override;
  void encode_part(std::string_view text, std::vector<int32_t>& ids) const override;
  /// Signs stand close to the word before them, as "cleanup" of the decoder has it: "a dog, a cat".
  std::string text_of(const std::string& token, bool first) const override;
  /// The same between tokens, "clean_up_tokenization_spaces": "a dog ' s" is "a dog's".
  void finish(Text& text) const override;

 private:
  void encode_word(std::u32string_view word, std::vector<int32_t>& ids) const;

  WordPieceOptions options_;
};

}  // namespace attend

#endif  // ATTEND_LANGUAGE_WORDPIECE_H_
