// A caption as a row of the program's output.
#ifndef ATTEND_CLI_CAPTION_ROW_H_
#define ATTEND_CLI_CAPTION_ROW_H_

#include <optional>
#include <string>
#include <string_view>

#include "attend/captioner.h"

namespace attend {

/// "CAPTION\n", or with a path "PATH\tCAPTION\n"; control characters of either as printable() writes them:
/// the words are the model file's.
std::string text_row(std::string_view path, const Caption& caption);
std::string text_row(const Caption& caption);

/// {"file": path, "caption": ..., "probability": ..., "words": [{"word": ..., "probability": ...}, ...]} in
/// one line; with `attention` each word also has "attention": a matrix [grid, grid] from the photo's top
/// left, and where that covers less than the photo, the row has "area": [left, top, right, bottom] in shares
/// of its sides. With `tokens` the row has "tokens": the numbers of the model's tokens; with the path of a
/// contact sheet "maps". Numbers have six significant digits. What is no UTF-8 in a path becomes U+FFFD, and
/// the row has "file_bytes" or "maps_bytes" too: the path in hexadecimal digits.
struct RowParts {
  bool attention = false, tokens = false;
  std::optional<std::string> maps = std::nullopt;
};
std::string json_row(std::string_view path, const Caption& caption, const RowParts& parts);

}  // namespace attend

#endif  // ATTEND_CLI_CAPTION_ROW_H_
