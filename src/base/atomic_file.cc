#include "base/atomic_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/file_names.h"
#include "base/random.h"

namespace attend {
namespace {

namespace fs = std::filesystem;

// A temporary file's name is that of the file, kMark, and letters.
constexpr std::string_view kMark = ".~";
constexpr uint64_t kDrawnLetters = 12;
constexpr int kAttempts = 100;  // at a name that no file has
constexpr int kMostLinks = 40;  // as Linux follows

Status refused(const std::string& path, const char* what) {
  const int error = errno;
  return {error == ENOENT ? StatusCode::kNotFound : StatusCode::kIo,
          path + ": cannot " + what + ": " + std::strerror(error)};
}

/// A name that hardly any other call, process or earlier run has drawn.
std::string drawn_name(const std::string& path) {
  static std::atomic<uint64_t> calls = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  const RandomKey key = RandomKey(static_cast<uint64_t>(now)).child(static_cast<uint64_t>(::getpid()));
  const uint64_t call = calls.fetch_add(1);
  const fs::path whole(path);
  const std::string kept = with_room(whole.filename().string(), kMark.size() + kDrawnLetters);
  std::string name = (whole.parent_path() / kept).string() + std::string(kMark);
  for (uint64_t i = 0; i < kDrawnLetters; ++i) name += static_cast<char>('a' + key.child(call).below(i, 26));
  return name;
}

bool is_drawn(std::string_view name) {
  if (name.size() <= kMark.size() + kDrawnLetters) return false;
  const std::string_view end = name.substr(name.size() - kMark.size() - kDrawnLetters);
  return end.starts_with(kMark) &&
         std::ranges::all_of(end.substr(kMark.size()), [](char c) { return c >= 'a' && c <= 'z'; });
}

/// A writer holds the lock of its file until that is renamed or removed; a kill lets it go.
bool lock(int file) {
  return ::flock(file, LOCK_EX | LOCK_NB) == 0;
}

/// What `path` names in the end; a link where the chain is too long.
fs::path without_links(fs::path path) {
  std::error_code ignored;
  for (int link = 0; link < kMostLinks && fs::is_symlink(path, ignored); ++link) {
    path = path.parent_path() / fs::read_symlink(path, ignored);
  }
  return path;
}

}  // namespace

Result<AtomicFile> AtomicFile::create(const std::string& given) {
  const std::string path = without_links(given).string();
  std::error_code ignored;
  const fs::file_status there = fs::symlink_status(path, ignored);
  if (fs::exists(there) && !fs::is_regular_file(there))
    return Status(StatusCode::kIo, path + ": cannot write: not a regular file");
  // Not mkstemp(), whose files only their owner may read: the permissions here are the usual ones of a new
  // file, and to find them out afterwards would change the mask of the whole process for a moment.
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::string temporary = drawn_name(path);
    const int file = ::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file >= 0) {
      lock(file);
      return AtomicFile(path, std::move(temporary), file);
    }
    if (errno != EEXIST) break;
  }
  return refused(path, "write");
}

AtomicFile::AtomicFile(std::string path, std::string temporary, int file)
    : path_(std::move(path)), temporary_(std::move(temporary)), file_(file) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      file_(std::exchange(other.file_, -1)) {}

AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(temporary_, other.temporary_);
  std::swap(file_, other.file_);
  return *this;
}

AtomicFile::~AtomicFile() {
  abandon();
}

void AtomicFile::abandon() {
  if (file_ < 0) return;
  ::close(std::exchange(file_, -1));
  ::unlink(temporary_.c_str());
}

Status AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return refused(path_, "write");
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Status AtomicFile::write(std::string_view text) {
  return write(std::as_bytes(std::span(text.data(), text.size())));
}

Status AtomicFile::commit() {
  if (::fsync(file_) != 0 || std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    Status status = refused(path_, "write");
    abandon();
    return status;
  }
  ::close(std::exchange(file_, -1));
  return {};
}

void remove_leftovers(const std::string& folder) {
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (!is_drawn(entry.path().filename().native()) || !fs::is_regular_file(entry.symlink_status(ignored)))
      continue;
    const int file = ::open(entry.path().c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) continue;
    if (lock(file)) ::unlink(entry.path().c_str());
    ::close(file);
  }
}

Status write_file(const std::string& path, std::span<const std::byte> bytes) {
  Result<AtomicFile> file = AtomicFile::create(path);
  if (!file.ok()) return file.status();
  ATTEND_RETURN_IF_ERROR(file.value().write(bytes));
  return file.value().commit();
}

Status write_file(const std::string& path, std::string_view text) {
  return write_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace attend
