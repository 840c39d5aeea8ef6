// To the end of a descriptor, whatever is behind it.
#ifndef ATTEND_CLI_WRITE_ALL_H_
#define ATTEND_CLI_WRITE_ALL_H_

#include <string_view>

namespace attend {

/// Hands all of `text` to the system now, waiting where a descriptor that does not wait itself is full.
/// False when that fails; errno says why.
bool write_all(int descriptor, std::string_view text);

}  // namespace attend

#endif  // ATTEND_CLI_WRITE_ALL_H_
