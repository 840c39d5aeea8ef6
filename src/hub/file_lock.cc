#include "hub/file_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace attend {
namespace {

/// Whether somebody removed the file between open and lock: whoever comes next would lock another one.
bool is_gone(int file) {
  struct stat facts {};
  return fstat(file, &facts) == 0 && facts.st_nlink == 0;
}

}  // namespace

Result<std::optional<FileLock>> FileLock::try_lock(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (error) return Status{StatusCode::kIo, fmt::format("{}: cannot lock: {}", path, error.message())};
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0664);
  if (file < 0)
    return Status{StatusCode::kIo, fmt::format("{}: cannot lock: {}", path, std::strerror(errno))};
  FileLock lock(file);
  if (flock(file, LOCK_EX | LOCK_NB) == 0) {
    if (is_gone(file)) return std::optional<FileLock>();
    return std::optional<FileLock>(std::move(lock));
  }
  if (errno == EWOULDBLOCK || errno == EINTR) return std::optional<FileLock>();
  // A file system without locks. Two processes may then write one file; its checksum tells.
  if (errno == ENOLCK || errno == ENOTSUP || errno == ENOSYS) return std::optional<FileLock>(std::move(lock));
  return Status{StatusCode::kIo, fmt::format("{}: cannot lock: {}", path, std::strerror(errno))};
}

FileLock::~FileLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace attend
