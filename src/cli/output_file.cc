#include "cli/output_file.h"

#include <filesystem>
#include <system_error>

#include "base/atomic_file.h"

namespace attend {

Status can_write(const std::string& path) {
  if (path.empty()) return {};
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) return {StatusCode::kIo, path + ": is a folder"};
  return AtomicFile::create(path).status();  // gone again with its temporary file
}

}  // namespace attend
