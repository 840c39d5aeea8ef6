#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace attend {
namespace {

Status refused(const std::string& path) {
  const int error = errno;
  return {error == ENOENT ? StatusCode::kNotFound : StatusCode::kIo, path + ": " + std::strerror(error)};
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  // O_NONBLOCK: a FIFO that nobody writes to is told from a file, and not waited for.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return refused(path);
  struct stat facts {};
  Status status;
  void* data = nullptr;
  if (::fstat(file, &facts) != 0) {
    status = refused(path);
  } else if (!S_ISREG(facts.st_mode)) {
    status = {StatusCode::kInvalidArgument, path + ": not a regular file"};
  } else if (facts.st_size > 0) {
    data = ::mmap(nullptr, static_cast<size_t>(facts.st_size), PROT_READ, MAP_SHARED, file, 0);
    if (data == MAP_FAILED) status = refused(path);
  }
  ::close(file);
  if (!status.ok()) return status;
  return MappedFile(static_cast<const std::byte*>(data), static_cast<size_t>(facts.st_size));
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

void MappedFile::release(std::span<const std::byte> part) const {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t offset = static_cast<size_t>(part.data() - data_);  // the mapping begins with a page
  const size_t first = (offset + page - 1) / page * page, last = (offset + part.size()) / page * page;
  if (first < last) madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

}  // namespace attend
