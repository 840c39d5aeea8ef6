#include "training/feature_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <utility>

namespace attend {
namespace {

constexpr int64_t kHeaderBytes = 4096;
constexpr uint64_t kMagic = 0x3146646e65747461;  // "attendF1", little-endian

struct Header {
  uint64_t magic = kMagic;
  FeatureFileShape shape;
  int64_t done = 0;
};

int64_t photo_bytes(const FeatureFileShape& shape) {
  return 4 * shape.patches * shape.width;
}

std::string partial_name(const std::string& path) {
  return path + ".partial";
}

Status refused(const std::string& path, const char* what) {
  const int error = errno;
  return {error == ENOENT ? StatusCode::kNotFound : StatusCode::kIo,
          path + ": cannot " + what + ": " + std::strerror(error)};
}

std::optional<Header> parse_header(std::span<const std::byte> bytes) {
  Header header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) return std::nullopt;
  return header;
}

}  // namespace

Result<FeatureFile> FeatureFile::open(const std::string& path, const FeatureFileShape& expected) {
  Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  const std::optional<Header> header = parse_header(file.value().bytes());
  if (!header) return Status(StatusCode::kCorrupt, path + ": not a feature file");
  if (header->shape != expected) {
    return Status(StatusCode::kInvalidArgument, path + ": features of other photos or of another encoder");
  }
  const int64_t bytes = kHeaderBytes + expected.photos * photo_bytes(expected);
  if (static_cast<int64_t>(file.value().bytes().size()) != bytes || header->done != expected.photos) {
    return Status(StatusCode::kCorrupt, path + ": " + std::to_string(file.value().bytes().size()) +
                                            " bytes where " + std::to_string(bytes) + " are due");
  }
  return FeatureFile(std::move(file).value(), expected);
}

std::span<const uint16_t> FeatureFile::features(int64_t photo, bool mirrored) const {
  const int64_t count = shape_.patches * shape_.width;
  const int64_t offset = kHeaderBytes + photo * photo_bytes(shape_) + (mirrored ? 2 * count : 0);
  // The header is a whole page, so halves are aligned.
  const void* first = file_.bytes().data() + offset;
  return {static_cast<const uint16_t*>(first), static_cast<size_t>(count)};
}

Result<FeatureFileWriter> FeatureFileWriter::open(const std::string& path, const FeatureFileShape& shape) {
  const std::string partial = partial_name(path);
  const int file = ::open(partial.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) return refused(partial, "write");
  if (::flock(file, LOCK_EX | LOCK_NB) != 0) {
    ::close(file);
    return Status(StatusCode::kIo, partial + ": another program is writing it");
  }
  Header header;
  const ssize_t count = ::pread(file, &header, sizeof header, 0);
  const bool same = count == sizeof header && header.magic == kMagic && header.shape == shape;
  const int64_t done = same && header.done >= 0 && header.done <= shape.photos ? header.done : 0;
  FeatureFileWriter writer(path, file, shape, done);
  if (::ftruncate(file, kHeaderBytes + done * photo_bytes(shape)) != 0) return refused(partial, "write");
  ATTEND_RETURN_IF_ERROR(writer.save());
  return writer;
}

FeatureFileWriter::FeatureFileWriter(std::string path, int file, const FeatureFileShape& shape, int64_t done)
    : path_(std::move(path)), file_(file), shape_(shape), done_(done) {}

FeatureFileWriter::FeatureFileWriter(FeatureFileWriter&& other) noexcept
    : path_(std::move(other.path_)),
      file_(std::exchange(other.file_, -1)),
      shape_(other.shape_),
      done_(other.done_) {}

FeatureFileWriter::~FeatureFileWriter() {
  if (file_ >= 0) ::close(file_);
}

Status FeatureFileWriter::write_at(int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_, bytes.data(), bytes.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return refused(partial_name(path_), "write");
    offset += written;
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Status FeatureFileWriter::append(std::span<const uint16_t> halves) {
  const int64_t photos = static_cast<int64_t>(halves.size_bytes()) / photo_bytes(shape_);
  ATTEND_RETURN_IF_ERROR(write_at(kHeaderBytes + done_ * photo_bytes(shape_), std::as_bytes(halves)));
  done_ += photos;
  return {};
}

Status FeatureFileWriter::save() {
  // Data first: the header never counts a photo that a crash could still lose.
  if (::fdatasync(file_) != 0) return refused(partial_name(path_), "write");
  const Header header{kMagic, shape_, done_};
  ATTEND_RETURN_IF_ERROR(write_at(0, std::as_bytes(std::span(&header, 1))));
  if (::fdatasync(file_) != 0) return refused(partial_name(path_), "write");
  return {};
}

Status FeatureFileWriter::finish() {
  if (done_ != shape_.photos) {
    return {StatusCode::kInvalidArgument, path_ + ": finished after " + std::to_string(done_) + " of " +
                                              std::to_string(shape_.photos) + " photos"};
  }
  ATTEND_RETURN_IF_ERROR(save());
  if (std::rename(partial_name(path_).c_str(), path_.c_str()) != 0) return refused(path_, "write");
  return {};
}

}  // namespace attend
