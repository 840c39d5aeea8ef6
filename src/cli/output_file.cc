#include "cli/output_file.h"

#include <filesystem>
#include <system_error>

#include "base/atomic_file.h"

namespace attend {

Status can_write(const std::string& path) {
  if (path.empty()) return {};
  return AtomicFile::create(path).status();  // gone again with its temporary file
}

Status make_run_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return {StatusCode::kIo, path + ": cannot make the folder: " + error.message()};
  return can_write(path + "/recipe.json");
}

}  // namespace attend
