// A checkpoint's own tokenizer, from the files of transformers 4 or 5.
//
//   tokenizer.json                 all of it (5, and many folders of 4)
//   vocab.txt                      WordPiece: a token a line
//   vocab.json, merges.txt         byte-level BPE
//   tokenizer_config.json, special_tokens_map.json, added_tokens.json    what else there may be beside the
//   last two
#ifndef ATTEND_PUBLISHED_TOKENIZER_FILES_H_
#define ATTEND_PUBLISHED_TOKENIZER_FILES_H_

#include <memory>
#include <string>

#include "attend/status.h"
#include "language/tokenizer.h"

namespace attend {

enum class TokenizerKind { kWordPiece, kByteLevelBpe };

/// Errors: kNotFound when the folder has none of the files; kCorrupt naming the file and what is wrong in it,
/// a tokenizer of another kind or with more tokens than `vocabulary` among it.
Result<std::unique_ptr<Tokenizer>> read_tokenizer(const std::string& folder, TokenizerKind kind,
                                                  int64_t vocabulary);

}  // namespace attend

#endif  // ATTEND_PUBLISHED_TOKENIZER_FILES_H_
