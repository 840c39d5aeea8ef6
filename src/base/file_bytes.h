// A file's bytes in memory of their own.
#ifndef ATTEND_BASE_FILE_BYTES_H_
#define ATTEND_BASE_FILE_BYTES_H_

#include <cstddef>
#include <string>
#include <vector>

#include "attend/status.h"

namespace attend {

/// The bytes of a regular file as they are now: what another process does to it afterwards changes nothing,
/// unlike with a mapping. Errors: kNotFound, kIo; kInvalidArgument for what is no regular file, a directory
/// or a FIFO; kUnsupported for more than `most` bytes; kOutOfMemory.
Result<std::vector<std::byte>> read_file(const std::string& path, size_t most);

/// What is left to read from a descriptor of any kind, which `name` stands for in messages. Errors: as above.
Result<std::vector<std::byte>> read_to_end(int descriptor, const std::string& name, size_t most);

}  // namespace attend

#endif  // ATTEND_BASE_FILE_BYTES_H_
