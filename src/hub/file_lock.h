// One process at a time, by a file that all of them lock.
#ifndef ATTEND_HUB_FILE_LOCK_H_
#define ATTEND_HUB_FILE_LOCK_H_

#include <optional>
#include <string>
#include <utility>

#include "attend/status.h"

namespace attend {

/// Holds flock(2) on a file until it is destroyed, or the process ends in whatever way. The file stays where
/// it is: those who wait for it hold it open. Python's filelock does the same with the same files.
class FileLock {
 public:
  /// Nothing when another process has it. Creates the file and its folders. Errors: kIo.
  static Result<std::optional<FileLock>> try_lock(const std::string& path);

  FileLock(FileLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  FileLock& operator=(FileLock&& other) noexcept {
    std::swap(file_, other.file_);
    return *this;
  }
  ~FileLock();

 private:
  explicit FileLock(int file) : file_(file) {}
  int file_;
};

}  // namespace attend

#endif  // ATTEND_HUB_FILE_LOCK_H_
