#include "base/file_bytes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

namespace attend {
namespace {

Status refused(const std::string& name) {
  const int error = errno;
  return {error == ENOENT ? StatusCode::kNotFound : StatusCode::kIo, name + ": " + std::strerror(error)};
}

Status too_large(const std::string& name, size_t most) {
  return {StatusCode::kUnsupported, name + ": more than " + std::to_string(most) + " bytes"};
}

/// Of a regular file: its size, to which memory is made beforehand.
Result<size_t> size_of(int file, const std::string& path, size_t most) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) return refused(path);
  if (!S_ISREG(facts.st_mode)) return Status(StatusCode::kInvalidArgument, path + ": not a regular file");
  const auto size = static_cast<size_t>(facts.st_size);
  if (size > most) return too_large(path, most);
  return size;
}

/// `expected`: how many bytes are likely to come.
Result<std::vector<std::byte>> read_up_to(int descriptor, const std::string& name, size_t most,
                                          size_t expected) {
  try {
    std::vector<std::byte> bytes(expected + 1);  // one more, so that the end is seen where it is expected
    for (size_t filled = 0;;) {
      if (filled > most) return too_large(name, most);
      if (filled == bytes.size()) bytes.resize(2 * bytes.size());
      const ssize_t count = ::read(descriptor, bytes.data() + filled, bytes.size() - filled);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0 && errno == EAGAIN) {
        pollfd until{descriptor, POLLIN, 0};
        ::poll(&until, 1, -1);
        continue;
      }
      if (count < 0) return refused(name);
      filled += static_cast<size_t>(count);
      if (count > 0) continue;
      bytes.resize(filled);
      return bytes;
    }
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kOutOfMemory, name + ": no memory for its bytes");
  }
}

}  // namespace

Result<std::vector<std::byte>> read_file(const std::string& path, size_t most) {
  // O_NONBLOCK: a FIFO that nobody writes to is told from a file, and not waited for.
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return refused(path);
  const Result<size_t> size = size_of(file, path, most);
  Result<std::vector<std::byte>> bytes =
      size.ok() ? read_up_to(file, path, most, size.value()) : size.status();
  ::close(file);
  return bytes;
}

Result<std::vector<std::byte>> read_to_end(int descriptor, const std::string& name, size_t most) {
  constexpr size_t kExpected = size_t{1} << 20;
  return read_up_to(descriptor, name, most, kExpected);
}

}  // namespace attend
