#include "cli/output_file.h"

#include "base/atomic_file.h"

namespace attend {

Status can_write(const std::string& path) {
  if (path.empty()) return {};
  return AtomicFile::create(path).status();  // gone again with its temporary file
}

}  // namespace attend
