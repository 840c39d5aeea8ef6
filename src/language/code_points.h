// Text as Unicode characters, and what kind of character each is.
#ifndef ATTEND_LANGUAGE_CODE_POINTS_H_
#define ATTEND_LANGUAGE_CODE_POINTS_H_

#include <string>
#include <string_view>

namespace attend {

/// What is no UTF-8 becomes U+FFFD, once for each longest beginning of a character (as Unicode 16, section
/// 3.9.6, recommends).
std::u32string to_code_points(std::string_view text);
std::string to_utf8(std::u32string_view text);

bool is_space(char32_t c);           // White_Space
bool is_letter(char32_t c);          // L
bool is_number(char32_t c);          // N
bool is_control(char32_t c);         // C but for the unassigned: control, format, surrogate, private use
bool is_word_character(char32_t c);  // \\w of regular expressions: alphabetic, marks, digits, connectors
bool is_ideograph(char32_t c);       // the blocks that BERT's vocabulary takes a character at a time
/// A sign of ASCII that is neither letter nor digit, or P.
bool is_punctuation(char32_t c);

/// Letter by letter, without regard to what is around it.
std::u32string lower_case(std::u32string_view text);
/// Canonically decomposed, and the marks left out: "é" is "e".
std::u32string without_accents(std::u32string_view text);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_CODE_POINTS_H_
