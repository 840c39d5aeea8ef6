#include "hub/partial_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace attend {
namespace {

Status refused(const std::string& path, const char* what) {
  return {StatusCode::kIo, fmt::format("{}: cannot {}: {}", path, what, std::strerror(errno))};
}

}  // namespace

Result<PartialFile> PartialFile::open(const std::string& path, const HubFile& file,
                                      const std::function<bool()>& stop) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (descriptor < 0) return refused(path, "write");
  PartialFile partial(path, file, descriptor);
  ATTEND_RETURN_IF_ERROR(partial.start_sum());
  ATTEND_RETURN_IF_ERROR(partial.read_what_is_there(stop));
  return partial;
}

PartialFile::PartialFile(PartialFile&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::move(other.file_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      bytes_(other.bytes_),
      sum_(std::move(other.sum_)) {}

PartialFile& PartialFile::operator=(PartialFile&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(file_, other.file_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(bytes_, other.bytes_);
  std::swap(sum_, other.sum_);
  return *this;
}

PartialFile::~PartialFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  if (bytes_ == 0) std::remove(path_.c_str());  // nothing in it is worth keeping
}

Status PartialFile::start_sum() {
  Result<Checksum> sum = Checksum::start(file_.tag, file_.bytes);
  if (!sum.ok()) return {sum.status().code(), fmt::format("{}: {}", file_.name, sum.status().message())};
  sum_.emplace(std::move(sum).value());
  return {};
}

Status PartialFile::read_what_is_there(const std::function<bool()>& stop) {
  constexpr size_t kBlock = 1 << 20;
  std::vector<std::byte> block(kBlock);
  for (;;) {
    if (stop && stop()) return {StatusCode::kIo, path_ + ": stopped"};
    const ssize_t count = pread(descriptor_, block.data(), block.size(), static_cast<off_t>(bytes_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return refused(path_, "read");
    if (count == 0) return {};
    bytes_ += static_cast<uint64_t>(count);
    if (bytes_ > file_.bytes) return begin_anew();
    sum_->add(std::span(block.data(), static_cast<size_t>(count)));
  }
}

Status PartialFile::append(std::span<const std::byte> bytes) {
  if (bytes.size() > file_.bytes - bytes_)
    return {StatusCode::kCorrupt, fmt::format("{}: is longer than its {} bytes", file_.name, file_.bytes)};
  while (!bytes.empty()) {
    const ssize_t count = pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(bytes_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return full(errno);
    const auto written = static_cast<size_t>(count);
    sum_->add(bytes.first(written));
    bytes_ += written;
    bytes = bytes.subspan(written);
  }
  return {};
}

Status PartialFile::full(int error) const {
  return {StatusCode::kIo, fmt::format("{}: cannot write past {} of {} bytes: {}", path_, bytes_, file_.bytes,
                                       std::strerror(error))};
}

Status PartialFile::begin_anew() {
  bytes_ = 0;
  if (ftruncate(descriptor_, 0) != 0) return refused(path_, "write");
  return start_sum();
}

Status PartialFile::finish(const std::string& path) {
  const std::string digits = sum_->digits();
  if (digits != file_.tag) {
    std::remove(path_.c_str());
    close(std::exchange(descriptor_, -1));
    return {StatusCode::kCorrupt,
            fmt::format("{}: has the checksum {} where the hub says {}", file_.name, digits, file_.tag)};
  }
  if (fsync(descriptor_) != 0) return refused(path_, "write");
  if (close(std::exchange(descriptor_, -1)) != 0 || std::rename(path_.c_str(), path.c_str()) != 0)
    return refused(path, "write");
  return {};
}

}  // namespace attend
