// Byte-pair encoding over bytes, as GPT-2 has it (Radford et al. 2019): every byte has a printable character
// of its own, and pairs of neighbours are joined in the order in which they were learned.
#ifndef ATTEND_LANGUAGE_BYTE_LEVEL_BPE_H_
#define ATTEND_LANGUAGE_BYTE_LEVEL_BPE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "attend/status.h"
#include "language/tokenizer.h"

namespace attend {

class ByteLevelBpe final : public Tokenizer {
 public:
  /// `merges` are pairs of tokens, the first learned first. Errors: kCorrupt, of a merge whose parts or whole
  /// the table lacks.
  /// `prefix_space`: each part of a text that does not begin with a space gets one.
  static Result<ByteLevelBpe> create(TokenTable table, const std::vector<AddedToken>& added,
                                     const std::vector<std::pair<std::string, std::string>>& merges,
                                     bool prefix_space);

 protected:
  std::string normalised(std::string_view text) const override { return std::string(text); }
  void encode_part(std::string_view text, std::vector<int32_t>& ids) const override;
  std::string text_of(const std::string& token, bool first) const override;

 private:
  struct Merge {
    int32_t rank, whole;
  };

  ByteLevelBpe(TokenTable table, const std::vector<AddedToken>& added, bool prefix_space);
  void encode_word(std::string_view word, std::vector<int32_t>& ids) const;

  std::unordered_map<uint64_t, Merge> merges_;  // by the numbers of the two parts
  bool prefix_space_;
};

/// The words that pairs are joined within: runs of letters, of digits and of other signs, each with one space
/// before it; English endings ("'s"); the rest of the blanks. Put together they are `text`.
std::vector<std::string_view> split_for_bpe(std::string_view text);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_BYTE_LEVEL_BPE_H_
