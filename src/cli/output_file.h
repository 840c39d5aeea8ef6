// Files for results, looked at before the work that makes them.
#ifndef ATTEND_CLI_OUTPUT_FILE_H_
#define ATTEND_CLI_OUTPUT_FILE_H_

#include <string>

#include "attend/status.h"

namespace attend {

/// Whether a file can be written at `path`; an empty one stands for no file. Errors: those of AtomicFile; kIo
/// for the file that standard output or standard error goes to, in whose place another would come.
Status can_write(const std::string& path);

}  // namespace attend

#endif  // ATTEND_CLI_OUTPUT_FILE_H_
