// Files that are either wholly there or not there at all.
#ifndef ATTEND_BASE_ATOMIC_FILE_H_
#define ATTEND_BASE_ATOMIC_FILE_H_

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "attend/status.h"

namespace attend {

/// Writes to a temporary file beside `path` and, on commit(), flushes it to the disk and renames it over
/// `path`. Destroyed without commit(), it removes the temporary file and leaves whatever `path` was.
class AtomicFile {
 public:
  /// Where `path` is a symbolic link, the file it names is written, and the link stays. Errors: kNotFound
  /// when the folder does not exist, kIo; also for what is there and is no regular file, which no rename may
  /// replace.
  static Result<AtomicFile> create(const std::string& path);

  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  /// Appends. Errors: kIo (a full disk, say), naming the path.
  Status write(std::span<const std::byte> bytes);
  Status write(std::string_view text);
  Status commit();

 private:
  AtomicFile(std::string path, std::string temporary, int file);
  void abandon();

  std::string path_, temporary_;
  int file_ = -1;
};

/// Removes the temporary files in `folder` of processes that were killed before they could: those whose names
/// are as an AtomicFile's and which no AtomicFile has open.
void remove_leftovers(const std::string& folder);

/// create, write, commit.
Status write_file(const std::string& path, std::span<const std::byte> bytes);
Status write_file(const std::string& path, std::string_view text);

}  // namespace attend

#endif  // ATTEND_BASE_ATOMIC_FILE_H_
