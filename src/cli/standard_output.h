// The program's result, row by row.
#ifndef ATTEND_CLI_STANDARD_OUTPUT_H_
#define ATTEND_CLI_STANDARD_OUTPUT_H_

#include <string_view>

#include "attend/status.h"

namespace attend {

/// Opens /dev/null for reading in the place of each of the descriptors 0, 1 and 2 that the program was
/// started without, so that no file opened later takes that number and receives what was meant for a person;
/// and makes a write to a closed pipe, or past a limit on the size of files, an error instead of a signal
/// that ends the program. Call it first in
/// main().
void guard_standard_streams();

/// Hands all of `text` to the system now, waiting where it is a pipe that is full. Errors: kIo, "standard
/// output: ..." (a full disk, a closed pipe).
Status write_standard_output(std::string_view text);

}  // namespace attend

#endif  // ATTEND_CLI_STANDARD_OUTPUT_H_
