// Is this text?
#ifndef ATTEND_LANGUAGE_UTF8_H_
#define ATTEND_LANGUAGE_UTF8_H_

#include <cstddef>
#include <string_view>

namespace attend {

/// The length in bytes of the character that `text` begins with, 0 when its first bytes are no character of
/// UTF-8 as RFC 3629 has it (no overlong forms, no surrogates, nothing above U+10FFFF) or when `text` is
/// empty.
size_t utf8_character_length(std::string_view text);

/// Of text that begins with no character and is not empty: the length of the longest beginning of a
/// character, at least 1.
size_t utf8_broken_length(std::string_view text);

/// Text without the U+FEFF that some programs mark a file's beginning with.
std::string_view without_byte_order_mark(std::string_view text);

/// Whether all of `text` is UTF-8; empty text is.
bool is_utf8(std::string_view text);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_UTF8_H_
