// Text that stays on one line of a terminal.
#ifndef ATTEND_CLI_PRINTABLE_H_
#define ATTEND_CLI_PRINTABLE_H_

#include <string>
#include <string_view>

namespace attend {

/// `text` with each control character written as \n, \t, \r, \xHH or, from U+0080 on, \u00HH: a file's name,
/// or the words of a model, may hold any of them, and would otherwise break rows apart or steer the terminal.
/// Everything else, UTF-8 or not, is left as it is, and so are the characters in `kept`.
std::string printable(std::string_view text, std::string_view kept = {});

/// Whether `text` begins with one of U+0080 to U+009F, among them a one-character form of ESC [: two bytes of
/// UTF-8.
bool begins_with_c1_control(std::string_view text);

}  // namespace attend

#endif  // ATTEND_CLI_PRINTABLE_H_
