#include "cli/output_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/atomic_file.h"

namespace attend {
namespace {

bool is_stream(const std::string& path, int descriptor) {
  struct stat file = {}, stream = {};
  return stat(path.c_str(), &file) == 0 && fstat(descriptor, &stream) == 0 && S_ISREG(file.st_mode) &&
         file.st_dev == stream.st_dev && file.st_ino == stream.st_ino;
}

}  // namespace

Status can_write(const std::string& path) {
  if (path.empty()) return {};
  if (is_stream(path, STDOUT_FILENO) || is_stream(path, STDERR_FILENO)) {
    return {StatusCode::kIo, path + ": cannot write: it is where standard output or standard error goes"};
  }
  return AtomicFile::create(path).status();  // gone again with its temporary file
}

}  // namespace attend
