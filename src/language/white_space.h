// What Unicode calls white space.
#ifndef ATTEND_LANGUAGE_WHITE_SPACE_H_
#define ATTEND_LANGUAGE_WHITE_SPACE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace attend {

/// The length in bytes of the white-space character that `text` begins with, 0 when it begins with none.
/// Separators of records and of groups (U+001C to U+001F) count, as in Python.
size_t white_space_length(std::string_view text);

/// The parts of `text` between runs of white space.
std::vector<std::string> split_at_white_space(std::string_view text);

/// Those parts with one space between them.
std::string single_spaced(std::string_view text);

}  // namespace attend

#endif  // ATTEND_LANGUAGE_WHITE_SPACE_H_
