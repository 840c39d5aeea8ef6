// A caption as a row of the program's output.
#ifndef ATTEND_CLI_CAPTION_ROW_H_
#define ATTEND_CLI_CAPTION_ROW_H_

#include <string>
#include <string_view>

#include "attend/captioner.h"

namespace attend {

/// "CAPTION\n", or with a path "PATH\tCAPTION\n"; control characters of the path as printable() writes them.
std::string text_row(std::string_view path, const Caption& caption);
std::string text_row(const Caption& caption);

/// {"file": path, "caption": ..., "probability": ..., "words": [{"word": ..., "probability": ...}, ...]} in
/// one line; with `attention` each word also has "attention": a matrix [grid, grid] from the photo's top
/// left. Numbers have six significant digits. What is no UTF-8 in the path becomes U+FFFD.
std::string json_row(std::string_view path, const Caption& caption, bool attention);

}  // namespace attend

#endif  // ATTEND_CLI_CAPTION_ROW_H_
