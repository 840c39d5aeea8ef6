// A file's bytes, read through the page cache and not copied.
#ifndef ATTEND_BASE_MAPPED_FILE_H_
#define ATTEND_BASE_MAPPED_FILE_H_

#include <cstddef>
#include <span>
#include <string>

#include "attend/status.h"

namespace attend {

/// A whole file mapped read-only; unmapped on destruction. A file truncated by another process while it is
/// mapped is beyond help (SIGBUS), as with every mapping.
class MappedFile {
 public:
  /// Errors: kNotFound, kIo; kInvalidArgument for what is no regular file, a directory or a FIFO. An empty
  /// file gives an empty span.
  static Result<MappedFile> open(const std::string& path);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Says that `part` of bytes() is not needed for now: its whole pages leave memory, and come back from the
  /// file if they are read.
  void release(std::span<const std::byte> part) const;

 private:
  MappedFile(const std::byte* data, size_t size) : data_(data), size_(size) {}
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace attend

#endif  // ATTEND_BASE_MAPPED_FILE_H_
